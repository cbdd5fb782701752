#include "ops/core/op_clock.hpp"

#include <cstring>

#include "ops/core/error.hpp"

namespace isobath {
namespace {

thread_local OpClock* listening = nullptr;

}  // namespace

OpClock::OpClock() {
  require(listening == nullptr, "two op clocks on one thread");
  times_.reserve(64);  // more than there are ops, so that no scope allocates
  listening = this;
}
OpClock::~OpClock() { listening = nullptr; }

OpTime& OpClock::of(const char* op) {
  const Work work = current_work();
  const Direction direction = current_direction();
  for (OpTime& time : times_)
    if (time.work == work && time.direction == direction && std::strcmp(time.op, op) == 0) return time;
  return times_.emplace_back(OpTime{op, work, direction});
}

OpClock* op_clock() { return listening; }

void OpScope::end() noexcept {
  OpTime& time = clock_->of(op_);
  time.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count();
  ++time.calls;
}

void count_bytes(const char* op, std::size_t bytes) {
  if (listening != nullptr) listening->of(op).bytes += static_cast<std::int64_t>(bytes);
}

}  // namespace isobath
