#include "parallel/transport/collective.hpp"

#include <chrono>
#include <utility>

#include "ops/core/host_waits.hpp"

namespace isobath {
namespace {

thread_local std::chrono::steady_clock::duration waited{};

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

CollectiveTimes Collective::before(CpuQueue) { return finish(); }

CollectiveTimes Collective::finish() {
  const auto pending = std::exchange(pending_, nullptr);
  if (!pending) return {};
  const auto begun = std::chrono::steady_clock::now();
  pending->await();
  waited += std::chrono::steady_clock::now() - begun;
  pending->rethrow();
  return pending->times();
}

}  // namespace isobath
