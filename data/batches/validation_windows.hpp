#pragma once
// Validation text cut into windows that do not overlap: every target is scored once.

#include <cstdint>
#include <vector>

#include "data/batches/batch.hpp"
#include "data/order/split.hpp"

namespace isobath {

/// All windows in order of position. A segment of L tokens has L - 1 targets and ceil((L - 1) / T) windows; the last
/// one may be shorter and is padded with inputs 0 and targets kNoTarget. Ranks take share_of(count(), shard) and pass
/// it to batch() piece by piece.
class ValidationWindows {
 public:
  /// Throws DataError when `split` holds no target.
  ValidationWindows(TokenSplit split, std::int64_t context);

  std::int64_t count() const { return static_cast<std::int64_t>(windows_.size()); }
  /// Targets over all windows.
  std::int64_t targets() const;
  /// `wanted` >= 1 of these windows, evenly spaced, or all where there are no more. The choice depends on the counts
  /// alone, so losses of different steps and ranks compare.
  ValidationWindows evenly_spaced(std::int64_t wanted) const;
  /// Windows [begin, end) of this list; `samples` are their indices among all windows of the split.
  Batch batch(IndexRange range, Device device = Device::cpu()) const;

 private:
  struct Window {
    std::int64_t id = 0, begin = 0, targets = 0;
  };

  TokenSplit split_;
  std::int64_t context_;
  std::vector<Window> windows_;
};

}  // namespace isobath
