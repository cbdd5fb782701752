#include "parallel/transport/collective.hpp"

#include <utility>

#include "ops/core/host_waits.hpp"

namespace isobath {

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
  pending->await();
  pending->rethrow();
  return pending->times();
}

}  // namespace isobath
