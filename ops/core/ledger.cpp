#include "ops/core/ledger.hpp"

namespace isobath {
namespace {

struct State {
  Ledger ledger;
  Work work = Work::Other;
  Direction direction = Direction::Forward;
};
thread_local State state;

std::int64_t sum(const Ledger& ledger, Direction direction) {
  std::int64_t total = 0;
  for (const auto& kind : ledger.flops) total += kind[static_cast<std::size_t>(direction)];
  return total;
}

}  // namespace

std::int64_t Ledger::forward() const { return sum(*this, Direction::Forward); }
std::int64_t Ledger::backward() const { return sum(*this, Direction::Backward); }
std::int64_t Ledger::recomputed() const { return sum(*this, Direction::Recomputed); }

Ledger Ledger::operator-(const Ledger& earlier) const {
  Ledger difference = *this;
  for (std::size_t kind = 0; kind < kWorkKinds; ++kind)
    for (std::size_t direction = 0; direction < kDirections; ++direction)
      difference.flops[kind][direction] -= earlier.flops[kind][direction];
  return difference;
}

const Ledger& ledger() { return state.ledger; }

void count_flops(std::int64_t flops) {
  state.ledger.flops[static_cast<std::size_t>(state.work)][static_cast<std::size_t>(state.direction)] += flops;
}

void count_again(const Ledger& work) {
  for (std::size_t kind = 0; kind < kWorkKinds; ++kind)
    for (std::size_t direction = 0; direction < kDirections; ++direction)
      state.ledger.flops[kind][direction] += work.flops[kind][direction];
}

WorkScope::WorkScope(Work work) : WorkScope(work, state.direction) {}
WorkScope::WorkScope(Work work, Direction direction) : work_before_(state.work), direction_before_(state.direction) {
  state.work = work;
  state.direction = direction;
}
WorkScope::~WorkScope() {
  state.work = work_before_;
  state.direction = direction_before_;
}

Work current_work() { return state.work; }
Direction current_direction() { return state.direction; }

}  // namespace isobath
