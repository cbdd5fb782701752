#include "ops/core/cuda/check.hpp"
#include "ops/core/cuda/stream.hpp"
#include "ops/core/device_clock.hpp"

namespace isobath {

CudaMark cuda_timed_mark(Device device) {
  const CudaQueue queue = current_cuda_queue(device);
  auto event = std::make_unique<cuda::Event>(cuda::EventClock::Yes);
  event->record(queue);
  return CudaMark(event.release());
}

double cuda_seconds(const CudaMark& from, const CudaMark& to) {
  const auto* const end = static_cast<const cuda::Event*>(to.get());
  end->wait();
  return end->seconds_since(*static_cast<const cuda::Event*>(from.get()));
}

}  // namespace isobath
