#pragma once
// Who holds what when state is divided over ranks as in ZeRO (Rajbhandari et al. 2020, arXiv 1910.02054): rank r of N
// owns the r-th of N equal slices of every bucket, and keeps its slices one after the other. Arithmetic only, in
// elements.

#include <cstdint>
#include <vector>

#include "parallel/flat_layout.hpp"

namespace isobath {

/// What one rank owns within one bucket, or within a whole group when nothing is divided.
struct ShardSegment {
  ParameterGroup group = ParameterGroup::Main;
  std::size_t bucket = 0;  ///< meaningless when nothing is divided
  FlatRange flat;          ///< in the flat buffers
  FlatRange held;          ///< in the owner's shard
};

/// Elements of one parameter that one rank owns.
struct ParameterPart {
  int rank = 0;
  FlatRange range;        ///< of the flattened parameter
  std::int64_t held = 0;  ///< where they begin in the rank's shard
};

class FlatShard {
 public:
  /// Rank `rank`'s shard of `parts`; of 1 part, everything. `parts` is 1 or the layout's world size. The layout
  /// outlives it.
  FlatShard(const FlatLayout& layout, int rank, int parts);

  int rank() const { return rank_; }
  int parts() const { return parts_; }
  bool is_divided() const { return parts_ > 1; }
  /// Elements that this rank holds.
  std::int64_t total() const { return layout_.total() / parts_; }
  /// What this rank holds, ascending. A segment lies in one group.
  const std::vector<ShardSegment>& segments() const { return segments_; }
  /// Rank `rank`'s slice of a bucket, in the flat buffers.
  FlatRange slice(std::size_t bucket, int rank) const;
  /// The owners of parameter `item`, ascending and without holes: equal on all ranks, `held` being the owner's.
  std::vector<ParameterPart> parts_of(std::size_t item) const;

 private:
  const FlatLayout& layout_;
  int rank_, parts_;
  std::vector<ShardSegment> segments_;
};

}  // namespace isobath
