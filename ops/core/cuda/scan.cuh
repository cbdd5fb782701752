#pragma once
// Running sums over the threads of a block. Of integers, so that every order gives the same.

#include <cstdint>

#include "ops/core/cuda/reduce.cuh"

namespace isobath::cuda {

struct Running {
  std::int32_t through;  ///< of the threads up to the calling one
  std::int32_t total;    ///< of the block
};

struct RunningScratch {
  std::int32_t of_warp[kMaxWarps];
};

/// The running sums of `own` over a one-dimensional block of whole warps. All threads of the block call; ends with a
/// barrier, so that it can be called again.
__device__ __forceinline__ Running running_sum(std::int32_t own) {
  auto& scratch = block_shared<RunningScratch>();
  const unsigned lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp, warps = blockDim.x / kWarp;
  Running sum{own, 0};
#pragma unroll
  for (unsigned distance = 1; distance < kWarp; distance *= 2) {
    const std::int32_t more = __shfl_up_sync(kAllLanes, sum.through, distance);
    sum.through += lane >= distance ? more : 0;
  }
  if (lane == kWarp - 1) scratch.of_warp[warp] = sum.through;
  __syncthreads();
  for (unsigned w = 0; w < warps; ++w) {
    sum.through += w < warp ? scratch.of_warp[w] : 0;
    sum.total += scratch.of_warp[w];
  }
  __syncthreads();
  return sum;
}

}  // namespace isobath::cuda
