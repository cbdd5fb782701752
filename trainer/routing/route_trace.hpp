#pragma once
// Recorded routing decisions. They are kept by global sample, so a replay does not depend on how many ranks recorded
// them or replay them.

#include <compare>
#include <cstdint>
#include <map>
#include <vector>

namespace isobath {

/// One sequence at one routed block of one optimizer step.
struct RouteKey {
  std::int64_t step = 0;
  std::int64_t layer = 0;   ///< index of the block
  std::int64_t sample = 0;  ///< global sample
  auto operator<=>(const RouteKey&) const = default;
};

/// The chosen positions of every recorded sequence, ascending, each in [0, length). A sequence of which nothing was
/// chosen has an empty list; one that was not recorded has no entry.
struct RouteTrace {
  std::int64_t batch = 0;   ///< sequences of a global step
  std::int64_t length = 0;  ///< T: tokens of a sequence
  std::int64_t layers = 0;  ///< blocks of the model, routed or not
  std::map<RouteKey, std::vector<std::int32_t>> positions;
  bool operator==(const RouteTrace&) const = default;
};

}  // namespace isobath
