#include "ops/core/cuda/stream.hpp"

#include "ops/core/cuda/check.hpp"
#include "ops/core/host_waits.hpp"

namespace isobath::cuda {

Device current_device() {
  int index = 0;
  check(cudaGetDevice(&index), "cudaGetDevice");
  return Device::cuda(index);
}

void DestroyStream::operator()(cudaStream_t stream) const noexcept {
  check_or_log(cudaStreamDestroy(stream), "cudaStreamDestroy");
}

void DestroyEvent::operator()(cudaEvent_t event) const noexcept {
  check_or_log(cudaEventDestroy(event), "cudaEventDestroy");
}

Stream::Stream() {
  cudaStream_t made = nullptr;
  check(cudaStreamCreateWithFlags(&made, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  handle_.reset(made);
}

void Stream::wait() const {
  count_host_wait();
  check(cudaStreamSynchronize(handle_.get()), "cudaStreamSynchronize");
}

Event::Event(EventClock clock) {
  cudaEvent_t made = nullptr;
  const unsigned flags = clock == EventClock::Yes ? cudaEventDefault : cudaEventDisableTiming;
  check(cudaEventCreateWithFlags(&made, flags), "cudaEventCreateWithFlags");
  handle_.reset(made);
}

void Event::record(CudaQueue queue) const {
  check(cudaEventRecord(handle_.get(), stream_of(queue)), "cudaEventRecord");
}

void Event::before(CudaQueue queue) const {
  check(cudaStreamWaitEvent(stream_of(queue), handle_.get(), 0), "cudaStreamWaitEvent");
}

bool Event::passed() const {
  const cudaError_t error = cudaEventQuery(handle_.get());
  if (error == cudaErrorNotReady) {
    cudaGetLastError();  // an answer, not an error
    return false;
  }
  check(error, "cudaEventQuery");
  return true;
}

void Event::wait() const {
  count_host_wait();
  check(cudaEventSynchronize(handle_.get()), "cudaEventSynchronize");
}

double Event::seconds_since(const Event& earlier) const {
  float milliseconds = 0.0F;
  check(cudaEventElapsedTime(&milliseconds, earlier.handle_.get(), handle_.get()), "cudaEventElapsedTime");
  return 1e-3 * static_cast<double>(milliseconds);
}

}  // namespace isobath::cuda
