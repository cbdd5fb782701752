#pragma once
// Attention in bf16 on tensor cores: a warp owns 16 rows of its block's 64 and computes whole rows of scores. As sums
// of one product, scores lie in the lanes just as the left factor of the next product is to lie there, so that
// probabilities go from the one to the other in registers, rounded to bf16.

#include "ops/attention/mma/shared_tile.cuh"

namespace isobath::flash::mma {

/// Which rows of a block a thread owns: two, together with the three other lanes of its four.
struct MmaShape {
  static constexpr int kRows = kWarps * cuda::kMmaRows;  // of a block
  static constexpr int kOwnRows = 2;                     // of a thread
  static constexpr int kLanesOfRow = 4;

  __device__ __forceinline__ static int first_of_warp() { return static_cast<int>(threadIdx.x) / 32 * cuda::kMmaRows; }
  __device__ __forceinline__ static int own_row(int i) { return first_of_warp() + cuda::mma_row() + 8 * i; }
  __device__ __forceinline__ static int lane_of_row() { return cuda::mma_pair(); }
};

/// The rows that a block owns, as left factors.
template <int kWidth>
struct OwnTile : SharedTile<kWidth, MmaShape::kRows, Layout::Rows> {
  __device__ __forceinline__ cuda::LeftFragment operator()(int step) const {
    return this->left(MmaShape::first_of_warp(), step);
  }
};

/// The left factors of a warp's rows, where registers hold them all.
template <int kWidth>
struct KeptRows {
  cuda::LeftFragment steps[kWidth / cuda::kMmaDepth];

  __device__ __forceinline__ explicit KeptRows(const OwnTile<kWidth>& tile) {
#pragma unroll
    for (int step = 0; step < kWidth / cuda::kMmaDepth; ++step) steps[step] = tile(step);
  }
  __device__ __forceinline__ const cuda::LeftFragment& operator()(int step) const { return steps[step]; }
};

/// The column of values[e] of the n-th of neighbouring fragments of sums; its row is the calling thread's e / 2-th.
__device__ __forceinline__ int column_of(int n, int e) { return 8 * n + 2 * cuda::mma_pair() + e % 2; }

/// scores = own rows x 8 kCount walked rows, summed over `width` columns, 16 at a time. `own(step)` gives left factors.
template <int kWidth, int kCount, class Own, class Walked>
__device__ __forceinline__ void scores_of(const Own& own, const Walked& walked, int width,
                                          cuda::SumFragment (&scores)[kCount]) {
#pragma unroll
  for (int n = 0; n < kCount; ++n) scores[n] = {};
#pragma unroll
  for (int step = 0; step < kWidth / cuda::kMmaDepth; ++step) {
    if (step * cuda::kMmaDepth >= width) break;
    cuda::RightFragment right[kCount];
#pragma unroll
    for (int n = 0; n < kCount; ++n) right[n] = walked.over_columns(step, n);
    cuda::multiply_add(scores, own(step), right);
  }
}

/// The calling thread's part of the sums of its rows: values[e] of parts[p][n] belongs to row e / 2, column
/// 64 p + column_of(n, e).
template <int kWidth>
struct MmaSums {
  static constexpr int kColumns = 64, kParts = kWidth / kColumns, kOfPart = kColumns / cuda::kMmaColumns;
  cuda::SumFragment parts[kParts][kOfPart];

  /// Of both rows.
  __device__ __forceinline__ void scale(const float (&factors)[MmaShape::kOwnRows]) {
#pragma unroll
    for (auto& part : parts)
#pragma unroll
      for (auto& sums : part)
#pragma unroll
        for (int e = 0; e < 4; ++e) sums.values[e] *= factors[e / 2];
  }
};

/// sums += weights x walked rows: weights are rounded to bf16, and added up in f32 over ascending walked rows.
template <int kWidth, int kCount, class Walked>
__device__ __forceinline__ void add_product(const cuda::SumFragment (&weights)[kCount], const Walked& walked,
                                            MmaSums<kWidth>& sums) {
#pragma unroll
  for (int step = 0; step < kCount / 2; ++step) {
    const float(&first)[4] = weights[2 * step].values;
    const float(&second)[4] = weights[2 * step + 1].values;
    const cuda::LeftFragment left{{cuda::rounded_pair(first[0], first[1]), cuda::rounded_pair(first[2], first[3]),
                                   cuda::rounded_pair(second[0], second[1]), cuda::rounded_pair(second[2], second[3])}};
#pragma unroll
    for (int p = 0; p < MmaSums<kWidth>::kParts; ++p) {
      cuda::RightFragment right[MmaSums<kWidth>::kOfPart];
#pragma unroll
      for (int n = 0; n < MmaSums<kWidth>::kOfPart; ++n)
        right[n] = walked.over_rows(step, p * MmaSums<kWidth>::kOfPart + n);
      cuda::multiply_add(sums.parts[p], left, right);
    }
  }
}

/// Over the four lanes of a row; all of them get the same bits.
__device__ __forceinline__ float row_total(float value) {
  value += __shfl_xor_sync(cuda::kAllLanes, value, 2);
  return value + __shfl_xor_sync(cuda::kAllLanes, value, 1);
}
__device__ __forceinline__ float row_largest(float value) {
  value = fmaxf(value, __shfl_xor_sync(cuda::kAllLanes, value, 2));
  return fmaxf(value, __shfl_xor_sync(cuda::kAllLanes, value, 1));
}

/// Writes (Overwrite) or adds (Add) factor * sums of the calling thread's i-th row, each element rounded once.
template <int kWidth>
__device__ __forceinline__ void put_row(const MmaSums<kWidth>& sums, int i, float factor, Accumulate mode,
                                        const HeadRows<bfloat16>& to, std::int64_t row) {
#pragma unroll
  for (int p = 0; p < MmaSums<kWidth>::kParts; ++p)
#pragma unroll
    for (int n = 0; n < MmaSums<kWidth>::kOfPart; ++n)
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        const int column = MmaSums<kWidth>::kColumns * p + column_of(n, e);
        if (column >= to.width) continue;
        bfloat16& target = to.row(row)[column];
        const float before = mode == Accumulate::Add ? static_cast<float>(target) : 0.0F;
        target = static_cast<bfloat16>(before + factor * sums.parts[p][n].values[2 * i + e]);
      }
}

}  // namespace isobath::flash::mma
