#pragma once
// The chosen members of a sequence, listed in ascending order by one block: a scan whose order is that of the sequence.

#include <cstdint>

#include "ops/core/cuda/launch.hpp"
#include "ops/core/cuda/reduce.cuh"

namespace isobath::kernel {

inline constexpr int kListThreads = 256;
inline constexpr unsigned kListWarps = kListThreads / cuda::kWarp;

template <int kKinds>
struct ListScratch {
  std::int32_t of_warp[kKinds][kListWarps];
};

/// Adds to before[kind], which counts the flags of lower threads, and to total[kind], which counts those of the block.
/// All threads of the block call; ends with a barrier, so that it can be called again.
template <int kKinds>
__device__ __forceinline__ void count_flags(const bool (&flags)[kKinds], std::int32_t (&before)[kKinds],
                                            std::int32_t (&total)[kKinds]) {
  auto& scratch = cuda::block_shared<ListScratch<kKinds>>();
  const unsigned lane = threadIdx.x % cuda::kWarp, warp = threadIdx.x / cuda::kWarp;
#pragma unroll
  for (int kind = 0; kind < kKinds; ++kind) {
    const unsigned hits = __ballot_sync(cuda::kAllLanes, flags[kind]);
    before[kind] += __popc(hits & ((1U << lane) - 1U));
    if (lane == 0) scratch.of_warp[kind][warp] = __popc(hits);
  }
  __syncthreads();
#pragma unroll
  for (int kind = 0; kind < kKinds; ++kind)
    for (unsigned w = 0; w < kListWarps; ++w) {
      before[kind] += w < warp ? scratch.of_warp[kind][w] : 0;
      total[kind] += scratch.of_warp[kind][w];
    }
  __syncthreads();
}

/// Where the members of a list go: entry `slot` is row `sequence * length + t`, at position t.
struct ListTarget {
  std::int32_t* rows;
  std::int32_t* positions;
  std::int64_t first_row;

  __device__ __forceinline__ void put(std::int64_t slot, std::int64_t t) const {
    rows[slot] = static_cast<std::int32_t>(first_row + t);
    positions[slot] = static_cast<std::int32_t>(t);
  }
};

}  // namespace isobath::kernel
