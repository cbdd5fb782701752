#pragma once
// A step by op, each beside its limit: products beside the measured peak of their dtype, all others beside the measured
// speed of a copy in memory. A share above 1 means that caches held what the op moved.

#include <cstdint>
#include <string>
#include <vector>

#include "ops/core/op_clock.hpp"

namespace isobath {

enum class OpLimit { None, Peak, Bandwidth };

constexpr const char* name_of(OpLimit limit) {
  constexpr const char* names[] = {"none", "peak", "bandwidth"};
  return names[static_cast<std::size_t>(limit)];
}

constexpr const char* name_of(Direction direction) {
  constexpr const char* names[] = {"forward", "backward", "recomputed"};
  return names[static_cast<std::size_t>(direction)];
}

/// One op under one category in one direction.
struct OpRow {
  std::string op;
  Work work = Work::Other;
  Direction direction = Direction::Forward;
  double calls = 0.0;    ///< of a step
  double seconds = 0.0;  ///< of a step
  double share_of_step = 0.0;
  OpLimit limit = OpLimit::None;
  double share_of_limit = 0.0;  ///< 0 without a limit
};

struct OpLimits {
  double flops = 0.0;      ///< per second
  double bandwidth = 0.0;  ///< bytes per second
};

/// The steps that the clock and the ledger saw.
struct ClockedSteps {
  std::int64_t count = 0;
  double seconds = 0.0;  ///< of all of them
};

/// Dearest first; the last row, "rest", is what no op accounts for: waiting for other ranks, host work, allocation.
std::vector<OpRow> op_table(const OpClock& clock, const Ledger& executed, const ClockedSteps& steps,
                            const OpLimits& limits);

}  // namespace isobath
