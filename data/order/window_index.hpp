#pragma once
// Windows of T + 1 tokens (T inputs, the same T shifted by one as targets) in the segments of a split.

#include <cstdint>
#include <vector>

#include "data/order/split.hpp"

namespace isobath {

/// Window i of a segment starts at i T + offset, the offset changing with the epoch. A segment of L > T tokens has
/// n = max(1, floor((L - T) / T)) windows and offsets from 0 to room = L - 1 - n T: n is the same in every epoch, so a
/// global sample index names its epoch by one division, and over the epochs every token is a target, for room >= T - 1
/// where n > 1.
class WindowIndex {
 public:
  /// Throws DataError, saying tokens and context, when no segment has room for one window.
  WindowIndex(const std::vector<Segment>& segments, std::int64_t context);

  std::int64_t context() const { return context_; }
  /// Windows in an epoch, whatever its shift.
  std::int64_t count() const { return first_windows_.back(); }
  /// First of the T + 1 positions of `window` in [0, count()). `shift` is the epoch's, any number: a segment's offset
  /// is shift modulo (room + 1).
  std::int64_t begin(std::int64_t window, std::uint64_t shift) const;

 private:
  std::int64_t context_;
  std::vector<Segment> segments_;            // those with a window
  std::vector<std::int64_t> first_windows_;  // of each segment, then the count
};

}  // namespace isobath
