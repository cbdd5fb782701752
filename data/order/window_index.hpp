#pragma once
// Windows of T + 1 tokens (T inputs, the same T shifted by one as targets) in the segments of a split.

#include <cstdint>
#include <vector>

#include "data/order/split.hpp"

namespace isobath {

/// Window i of a segment starts at i T + offset, the offset in [0, T) changing with the epoch. A segment of L tokens
/// has floor((L - T) / T) windows, so that every offset leaves room for the last one and every epoch has as many
/// windows: a global sample index then names its epoch by one division. A segment of T + 1 <= L < 2 T tokens has one
/// window, whose offset is taken modulo L - T.
class WindowIndex {
 public:
  /// Throws DataError, saying tokens and context, when no segment has room for one window.
  WindowIndex(const std::vector<Segment>& segments, std::int64_t context);

  std::int64_t context() const { return context_; }
  /// Windows in an epoch, the same for every offset.
  std::int64_t count() const { return first_windows_.back(); }
  /// First of the T + 1 positions of `window` in [0, count()), for an epoch's `offset` in [0, T).
  std::int64_t begin(std::int64_t window, std::int64_t offset) const;

 private:
  std::int64_t context_;
  std::vector<Segment> segments_;            // those with a window
  std::vector<std::int64_t> first_windows_;  // of each segment, then the count
};

}  // namespace isobath
