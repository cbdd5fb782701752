#pragma once
// The sum of e^x over a row in one pass: every thread keeps the largest element it has met and the sum of e^(x - that),
// and pairs of such sums are merged in an order that depends only on the number of threads. (Milakov and Gimelshein
// 2018, "Online normalizer calculation for softmax", arXiv 1805.02867.)

#include <cmath>
#include <cstdint>

#include "ops/core/cuda/pack.cuh"
#include "ops/core/cuda/reduce.cuh"

namespace isobath::kernel {

/// `sum` of e^(x - largest). NaN elements are passed over by `largest`; they show in `sum`.
struct RowSum {
  float largest = -INFINITY;
  float sum = 0.0F;
};

/// Equal bits whichever comes first, so that all lanes of a butterfly get the same.
__device__ __forceinline__ RowSum merged(const RowSum& a, const RowSum& b) {
  if (a.largest == b.largest) return {a.largest, a.sum + b.sum};  // also where neither met a number above -infinity
  const bool first = a.largest > b.largest;
  const RowSum high = first ? a : b, low = first ? b : a;
  return {high.largest, fmaf(low.sum, expf(low.largest - high.largest), high.sum)};
}

template <int kLength>
__device__ __forceinline__ void add_pack(RowSum& to, const cuda::Pack<kLength>& pack) {
  float largest = to.largest;
#pragma unroll
  for (int e = 0; e < kLength; ++e) largest = pack.values[e] > largest ? pack.values[e] : largest;
  if (largest > to.largest) to = {largest, to.sum * expf(to.largest - largest)};
  const float base = largest == -INFINITY ? 0.0F : largest;  // -infinity is no number to subtract from itself
#pragma unroll
  for (int e = 0; e < kLength; ++e) to.sum += expf(pack.values[e] - base);
}

struct RowSumScratch {
  float largest[cuda::kMaxWarps], sum[cuda::kMaxWarps];  // of each warp
};

__device__ __forceinline__ RowSum merged_over_warp(RowSum own) {
#pragma unroll
  for (unsigned distance = cuda::kWarp / 2; distance > 0; distance /= 2)
    own = merged(own, {__shfl_xor_sync(cuda::kAllLanes, own.largest, distance),
                       __shfl_xor_sync(cuda::kAllLanes, own.sum, distance)});
  return own;
}

/// Every thread of the block gets the sum of the row; see(column, pack) is called for each pack by the thread that
/// reads it. Once in a kernel: nothing guards the scratch against a second use.
template <int kLength, class See>
__device__ __forceinline__ RowSum sum_of_row(const float* x, std::int64_t columns, See&& see) {
  auto& scratch = cuda::block_shared<RowSumScratch>();
  RowSum own;
  for (std::int64_t c = threadIdx.x * kLength; c < columns; c += blockDim.x * kLength) {
    const auto pack = cuda::load<kLength>(x + c);
    see(c, pack);
    add_pack(own, pack);
  }
  own = merged_over_warp(own);
  const unsigned lane = threadIdx.x % cuda::kWarp, warp = threadIdx.x / cuda::kWarp, warps = blockDim.x / cuda::kWarp;
  if (lane == 0) {
    scratch.largest[warp] = own.largest;
    scratch.sum[warp] = own.sum;
  }
  __syncthreads();
  return merged_over_warp(lane < warps ? RowSum{scratch.largest[lane], scratch.sum[lane]} : RowSum{});
}

}  // namespace isobath::kernel
