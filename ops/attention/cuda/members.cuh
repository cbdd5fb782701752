#pragma once
// Row sets, as device code walks them.

#include <cstdint>

#include "ops/attention/visibility.hpp"
#include "ops/core/cuda/search.cuh"

namespace isobath::flash {

/// The members of a row set in one sequence.
struct Members {
  const std::int32_t* positions;  // null: member i is at position i
  std::int64_t begin;             // row of the first one
  std::int64_t count;

  __device__ Members(const kernel::SequenceRows& rows, std::int64_t sequence)
      : begin(rows.begin(sequence)), count(rows.begin(sequence + 1) - begin) {
    positions = rows.positions == nullptr ? nullptr : rows.positions + begin;
  }

  __device__ __forceinline__ std::int32_t position(std::int64_t i) const {
    return positions == nullptr ? static_cast<std::int32_t>(i) : positions[i];
  }
  /// How many members lie at `last` or before it: the first ones, for positions ascend.
  __device__ __forceinline__ std::int64_t through(std::int32_t last) const { return before(std::int64_t{last} + 1); }
  /// How many members lie before `limit`.
  __device__ __forceinline__ std::int64_t before(std::int64_t limit) const {
    if (positions == nullptr) return limit < count ? limit : count;
    return cuda::lower_bound(positions, count, limit);
  }
};

}  // namespace isobath::flash
