#include "parallel/transport/collective.hpp"

#include <chrono>
#include <utility>

#include "ops/core/host_waits.hpp"
#include "ops/core/op_clock.hpp"

namespace isobath {
namespace {

thread_local std::chrono::steady_clock::duration waited{};

std::int64_t nanoseconds(std::chrono::steady_clock::time_point at) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(at.time_since_epoch()).count();
}

}  // namespace

double collective_wait_seconds() { return std::chrono::duration<double>(waited).count(); }

Collective::~Collective() {
  if (!pending_) return;
  count_host_wait();
  pending_->await();
}

Collective& Collective::operator=(Collective&& other) noexcept {
  Collective replaced(std::move(*this));
  pending_ = std::move(other.pending_);
  return *this;
}

CollectiveTimes Collective::wait() {
  count_host_wait();
  return finish();
}

CollectiveTimes Collective::before(CpuQueue) {
  if (pending_ && pending_->is_on_device()) count_host_wait();
  return finish();
}

void Collective::before(CudaQueue queue) {
  const auto pending = std::exchange(pending_, nullptr);
  if (!pending) return;
  pending->order(queue);
  pending->rethrow();
}

CollectiveTimes Collective::before_work_on(Device device) {
  if (!device.is_cuda()) return before(CpuQueue{});
  const std::int64_t now = nanoseconds(std::chrono::steady_clock::now());
  before(current_cuda_queue(device));
  return {now, now};
}

CollectiveTimes Collective::finish() {
  const auto pending = std::exchange(pending_, nullptr);
  if (!pending) return {};
  const auto begun = std::chrono::steady_clock::now();
  pending->await();
  const auto ended = std::chrono::steady_clock::now();
  waited += ended - begun;
  pending->rethrow();
  const CollectiveTimes times = pending->times();
  note_span("wait for ranks", SpanRow::Compute, nanoseconds(begun), nanoseconds(ended));
  note_span("collective", SpanRow::Communication, times.started, times.finished);
  return times;
}

}  // namespace isobath
