#pragma once
// Forward in bf16: scores and sums by tensor cores, the online softmax between them in f32.

#include "ops/attention/mma/key_walk.cuh"

namespace isobath::flash::mma {

/// What a thread knows of its two rows: the largest score so far, which all four lanes of a row know, and the sum of
/// the terms of its own columns.
template <int kWidth>
struct Softmax {
  float largest[MmaShape::kOwnRows] = {-INFINITY, -INFINITY};
  float sum[MmaShape::kOwnRows] = {0.0F, 0.0F};

  /// Scores, in units of log 2, become terms of this tile; earlier sums shrink to its maximum.
  template <int kCount>
  __device__ __forceinline__ void take(cuda::SumFragment (&scores)[kCount], MmaSums<kWidth>& out) {
    float base[MmaShape::kOwnRows], shrink[MmaShape::kOwnRows];
#pragma unroll
    for (int i = 0; i < MmaShape::kOwnRows; ++i) {
      float top = largest[i];
#pragma unroll
      for (int n = 0; n < kCount; ++n) top = fmaxf(top, fmaxf(scores[n].values[2 * i], scores[n].values[2 * i + 1]));
      top = row_largest(top);
      base[i] = top == -INFINITY ? 0.0F : top;  // -infinity is no number to subtract from itself
      shrink[i] = exp2f(largest[i] - base[i]);
      largest[i] = top;
      sum[i] *= shrink[i];
    }
#pragma unroll
    for (int n = 0; n < kCount; ++n)
#pragma unroll
      for (int e = 0; e < 4; ++e) sum[e / 2] += scores[n].values[e] = exp2f(scores[n].values[e] - base[e / 2]);
    out.scale(shrink);
  }
};

/// Keys of a walked tile: more where registers are left for their scores.
template <int kWidth>
inline constexpr int kForwardKeys = kWidth > 128 ? 32 : 64;

template <int kWidth>
using ForwardWalk = KeyWalk<kWidth, kForwardKeys<kWidth>, Layout::Rows, Layout::Pairs>;

template <int kWidth>
inline constexpr std::size_t kForwardBytes = sizeof(BFloat16Pair) *
                                             (OwnTile<kWidth>::kWords + ForwardWalk<kWidth>::kWords);

template <int kWidth>
using ForwardRows = std::conditional_t<(kWidth > 128), OwnTile<kWidth>, KeptRows<kWidth>>;

template <int kWidth>
__device__ __forceinline__ void attend_tile(const ForwardRows<kWidth>& own, const ForwardWalk<kWidth>& walk,
                                            const MmaQueryTile& tile, Softmax<kWidth>& softmax, MmaSums<kWidth>& sums) {
  constexpr int kCount = kForwardKeys<kWidth> / cuda::kMmaColumns;
  const float scale = kLog2E * tile.in.scale;
  cuda::SumFragment scores[kCount];
  scores_of<kWidth>(own, walk.keys, tile.in.width, scores);
#pragma unroll
  for (int n = 0; n < kCount; ++n)
#pragma unroll
    for (int e = 0; e < 4; ++e)
      scores[n].values[e] = walk.sees(tile.position[e / 2], column_of(n, e)) ? scale * scores[n].values[e] : -INFINITY;
  softmax.take(scores, sums);
  add_product(scores, walk.values, sums);
}

template <int kWidth>
__global__ void __launch_bounds__(kThreads)
    attend(TileQueue tiles, Operands<bfloat16> in, bfloat16* out, float* log2_sum, std::int64_t rows) {
  const MmaQueryTile tile(in, take_tile(tiles));
  if (tile.count <= 0) return;
  const OwnTile<kWidth> shared{cuda::dynamic_shared<BFloat16Pair>()};
  const ForwardWalk<kWidth> walk(in, tile, shared.end());
  shared.load(tile.rows_of(in.q), tile.first, tile.count);
  __syncthreads();
  const ForwardRows<kWidth> own(shared);
  const bool has_rows = MmaShape::first_of_warp() < tile.count;  // others only help to load
  MmaSums<kWidth> sums{};
  Softmax<kWidth> softmax;
  for (std::int64_t key = 0; key < walk.seen; key += kForwardKeys<kWidth>) {
    walk.load(key);
    if (has_rows) attend_tile(own, walk, tile, softmax, sums);
  }
  for (float& sum : softmax.sum) sum = row_total(sum);
  tile.for_own_rows([&](int i, std::int64_t row) {
    const bool sees = walk.seen > 0 && walk.members.position(0) <= tile.position[i];
    put_row(sums, i, sees ? 1.0F / softmax.sum[i] : 0.0F, Accumulate::Overwrite, tile.rows_of(out), row);
    if (log2_sum != nullptr && MmaShape::lane_of_row() == 0)
      log2_sum[tile.head * rows + tile.members.begin + row] = sees ? softmax.largest[i] + log2f(softmax.sum[i]) : 0.0F;
  });
}

}  // namespace isobath::flash::mma
