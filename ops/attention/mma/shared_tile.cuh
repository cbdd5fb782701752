#pragma once
// Rows of bf16 in shared memory, so that the lanes of a warp find their fragments of a matrix product (mma.cuh) by
// 32-bit loads, each lane in a bank of its own:
//   by rows:  two neighbouring columns of a row in a word, rows width / 2 + 4 words apart. Lane (g, t) reads word
//             g * stride + t + constant; the stride is 4 modulo 32, so 4 g + t names all 32 banks once.
//   by pairs: one column of two neighbouring rows in a word, pairs of rows width + 8 words apart. Lane (g, t) reads
//   word
//             t * stride + g + constant; the stride is 8 modulo 32, so 8 t + g names all 32 banks once.
// A product that sums over columns reads rows, one that sums over rows reads pairs of them. Writers have two words of
// neighbouring lanes in a bank where they write pairs, once for each element.

#include "ops/attention/cuda/operands.cuh"
#include "ops/core/cuda/mma.cuh"

namespace isobath::flash::mma {

using cuda::BFloat16Pair;

inline constexpr int kWarps = 4;
inline constexpr int kThreads = 32 * kWarps;

/// Two neighbouring rows of kLength columns, by pairs of columns.
template <int kLength>
struct Patch {
  BFloat16Pair pairs[2][kLength / 2];
};

/// Rows `row` and `row + 1` counted from `first`; zeros from row `count` on and behind the head's width.
template <int kLength>
__device__ __forceinline__ Patch<kLength> load_patch(const HeadRows<const bfloat16>& from, std::int64_t first,
                                                     std::int64_t count, int row, int column) {
  Patch<kLength> patch{};
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    if (row + i >= count || column >= from.width) continue;
    const bfloat16* const at = from.row(first + row + i) + column;
    if constexpr (kLength == cuda::kVectorLength<bfloat16>) {
      const uint4 words = *reinterpret_cast<const uint4*>(at);
      patch.pairs[i][0] = words.x;
      patch.pairs[i][1] = words.y;
      patch.pairs[i][2] = words.z;
      patch.pairs[i][3] = words.w;
    } else {
      static_assert(kLength == 2);
      patch.pairs[i][0] = at[0].bits;
      if (column + 1 < from.width) patch.pairs[i][0] |= static_cast<BFloat16Pair>(at[1].bits) << 16;
    }
  }
  return patch;
}

/// kLength words at `to`, which is a multiple of 16 bytes where they are that many.
template <int kLength>
__device__ __forceinline__ void put_words(const BFloat16Pair (&words)[kLength], BFloat16Pair* to) {
  if constexpr (kLength % 4 == 0) {
#pragma unroll
    for (int i = 0; i < kLength; i += 4)
      *reinterpret_cast<uint4*>(to + i) = uint4{words[i], words[i + 1], words[i + 2], words[i + 3]};
  } else {
#pragma unroll
    for (int i = 0; i < kLength; ++i) to[i] = words[i];
  }
}

enum class Layout { Rows, Pairs, Both };

/// kRows rows of a head of up to kWidth columns.
template <int kWidth, int kRows, Layout kLayout>
struct SharedTile {
  static constexpr bool kByRows = kLayout != Layout::Pairs, kByPairs = kLayout != Layout::Rows;
  static constexpr int kRowStride = kWidth / 2 + 4, kPairStride = kWidth + 8;
  static constexpr int kRowWords = kByRows ? kRows * kRowStride : 0;
  static constexpr int kWords = kRowWords + (kByPairs ? kRows / 2 * kPairStride : 0);

  BFloat16Pair* words;

  __device__ __forceinline__ BFloat16Pair* end() const { return words + kWords; }

  /// All threads of the block call: rows [first, first + kRows), with zeros from the `count`-th on.
  __device__ __forceinline__ void load(const HeadRows<const bfloat16>& from, std::int64_t first,
                                       std::int64_t count) const {
    if (from.access == Access::Vectors)
      load_patches<cuda::kVectorLength<bfloat16>>(from, first, count);
    else
      load_patches<2>(from, first, count);
  }

  /// Rows row .. row + 15, columns 16 step .. 16 step + 15, as a left factor.
  __device__ __forceinline__ cuda::LeftFragment left(int row, int step) const {
    static_assert(kByRows);
    const BFloat16Pair* const at = words + (row + cuda::mma_row()) * kRowStride + 8 * step + cuda::mma_pair();
    return {{at[0], at[8 * kRowStride], at[4], at[8 * kRowStride + 4]}};
  }
  /// A right factor: its columns are rows 8 n .. 8 n + 7, its rows are columns 16 step .. 16 step + 15.
  __device__ __forceinline__ cuda::RightFragment over_columns(int step, int n) const {
    static_assert(kByRows);
    const BFloat16Pair* const at = words + (8 * n + cuda::mma_row()) * kRowStride + 8 * step + cuda::mma_pair();
    return {{at[0], at[4]}};
  }
  /// A right factor: rows 16 step .. 16 step + 15, columns 8 n .. 8 n + 7.
  __device__ __forceinline__ cuda::RightFragment over_rows(int step, int n) const {
    static_assert(kByPairs);
    const BFloat16Pair* const at =
        words + kRowWords + (8 * step + cuda::mma_pair()) * kPairStride + 8 * n + cuda::mma_row();
    return {{at[0], at[4 * kPairStride]}};
  }

 private:
  template <int kLength>
  __device__ __forceinline__ void load_patches(const HeadRows<const bfloat16>& from, std::int64_t first,
                                               std::int64_t count) const {
    constexpr int kOfRow = kWidth / kLength;
    for (int i = static_cast<int>(threadIdx.x); i < kRows / 2 * kOfRow; i += kThreads) {
      const int row = 2 * (i / kOfRow), column = i % kOfRow * kLength;
      put(row, column, load_patch<kLength>(from, first, count, row, column));
    }
  }

  template <int kLength>
  __device__ __forceinline__ void put(int row, int column, const Patch<kLength>& patch) const {
    if constexpr (kByRows) {
      put_words(patch.pairs[0], words + row * kRowStride + column / 2);
      put_words(patch.pairs[1], words + (row + 1) * kRowStride + column / 2);
    }
    if constexpr (kByPairs) {
      BFloat16Pair across[kLength];
#pragma unroll
      for (int i = 0; i < kLength / 2; ++i) {
        const BFloat16Pair above = patch.pairs[0][i], below = patch.pairs[1][i];
        across[2 * i] = (above & 0xffffU) | below << 16;
        across[2 * i + 1] = above >> 16 | (below & 0xffff0000U);
      }
      put_words(across, words + kRowWords + row / 2 * kPairStride + column);
    }
  }
};

}  // namespace isobath::flash::mma
