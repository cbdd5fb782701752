#pragma once
// Looking a row up in an ascending list.

#include <cstdint>

#include "ops/core/cuda/device.cuh"

namespace isobath::cuda {

/// The index of the first of `count` ascending rows that is not below `wanted`; `count` when all are.
__device__ __forceinline__ std::int64_t lower_bound(const std::int32_t* rows, std::int64_t count, std::int64_t wanted) {
  std::int64_t low = 0;
  while (count > 0) {
    const std::int64_t half = count / 2;
    const bool below = rows[low + half] < wanted;
    low = below ? low + half + 1 : low;
    count = below ? count - half - 1 : half;
  }
  return low;
}

}  // namespace isobath::cuda
