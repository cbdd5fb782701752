#pragma once
// Sums over the threads of a warp and of a block, in an order that depends only on their number.

#include "ops/core/cuda/device.cuh"

namespace isobath::cuda {

inline constexpr unsigned kWarp = 32;
inline constexpr unsigned kAllLanes = 0xffffffffU;
inline constexpr unsigned kMaxWarps = 32;  // of a block

/// Every lane gets the sum over the warp's 32 lanes: a butterfly, so that all lanes get the same bits.
template <class T>
__device__ __forceinline__ T warp_sum(T value) {
  for (unsigned distance = kWarp / 2; distance > 0; distance /= 2) value += __shfl_xor_sync(kAllLanes, value, distance);
  return value;
}

template <class T, int kCount>
struct BlockSumScratch {
  T of_warp[kCount][kMaxWarps];
};

/// Every thread gets the sums of `values` over a one-dimensional block of whole warps. Uses one barrier to publish and
/// one to allow the next call; all threads of the block must call.
template <class T, int kCount>
__device__ __forceinline__ void block_sum(T (&values)[kCount]) {
  auto& scratch = block_shared<BlockSumScratch<T, kCount>>();
  const unsigned lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp, warps = blockDim.x / kWarp;
#pragma unroll
  for (int i = 0; i < kCount; ++i) values[i] = warp_sum(values[i]);
  if (lane == 0)
    for (int i = 0; i < kCount; ++i) scratch.of_warp[i][warp] = values[i];
  __syncthreads();
#pragma unroll
  for (int i = 0; i < kCount; ++i) values[i] = warp_sum(lane < warps ? scratch.of_warp[i][lane] : T{});
  __syncthreads();
}

}  // namespace isobath::cuda
