#pragma once
// What the attention kernels are made of: a block owns a tile of rows and walks over the rows of the other side, 32 at
// a time, all in shared memory as f32. Its 256 threads form a square of 16 x 16: thread (y, x) owns a few rows, in
// which it computes every sixteenth score and four neighbouring columns of every 64. The sixteen threads of a row are
// half a warp. Products are plain f32 multiply-adds; those of bf16 are computed by tensor cores, in mma/.

#include "ops/core/cuda/pack.cuh"
#include "ops/core/cuda/reduce.cuh"

namespace isobath::flash {

inline constexpr int kTileThreads = 256;
inline constexpr int kSide = 16;
inline constexpr int kWalked = 32;                  // rows of a walked tile
inline constexpr int kOwnScores = kWalked / kSide;  // of a thread, in each of its rows
inline constexpr int kColumnsApart = 4 * kSide;     // of two packs of a thread
inline constexpr int kWeightStride = kWalked + 4;   // floats; keeps 16-byte rows in different banks
inline constexpr int kMaxWidth = 256;

__device__ __forceinline__ int thread_x() { return static_cast<int>(threadIdx.x) % kSide; }
__device__ __forceinline__ int thread_y() { return static_cast<int>(threadIdx.x) / kSide; }

/// For heads of up to kWidth columns, a multiple of 64. Narrower heads are padded with zeros.
template <int kWidth>
struct TileShape {
  static constexpr int kStride = kWidth + 4;               // floats between rows in shared memory
  static constexpr int kOwnRows = kWidth > 128 ? 2 : 4;    // of a thread: what registers and shared memory allow
  static constexpr int kRows = kOwnRows * kSide;           // of a block
  static constexpr int kPacks = kWidth / kColumnsApart;    // of a thread, in each of its rows
  static constexpr int kOwnFloats = kRows * kStride;       // of an owned tile
  static constexpr int kWalkedFloats = kWalked * kStride;  // of a walked tile
  static constexpr int kWeightFloats = kRows * kWeightStride;
  static constexpr int kLanesOfRow = kSide;  // neighbouring threads that own a row together

  /// The calling thread's i-th row of the block's, and its place among the threads of that row.
  __device__ __forceinline__ static int own_row(int i) { return thread_y() * kOwnRows + i; }
  __device__ __forceinline__ static int lane_of_row() { return thread_x(); }
};

/// Bytes of shared memory for tiles of these numbers.
template <int kWidth>
constexpr std::size_t tile_bytes(int owned, int walked, int weights) {
  using Shape = TileShape<kWidth>;
  return sizeof(float) * static_cast<std::size_t>(owned * Shape::kOwnFloats + walked * Shape::kWalkedFloats +
                                                  weights * Shape::kWeightFloats);
}

/// How global memory may be read: 16 bytes at a time where every row of every head begins at such an address.
enum class Access { Elements, Vectors };

/// The columns of one head in the rows of one sequence.
template <class T>
struct HeadRows {
  T* data;
  std::int64_t stride;
  int width;
  Access access;

  __device__ __forceinline__ T* row(std::int64_t index) const { return data + index * stride; }
};

template <int kWidth, int kLength, class T>
__device__ __forceinline__ void load_packs(const HeadRows<const T>& from, std::int64_t first, std::int64_t count,
                                           int rows, float factor, float* to) {
  constexpr int kPacksOfRow = kWidth / kLength;
  for (int i = static_cast<int>(threadIdx.x); i < rows * kPacksOfRow; i += kTileThreads) {
    const int row = i / kPacksOfRow, column = i % kPacksOfRow * kLength;
    cuda::Pack<kLength> pack{};
    if (row < count && column < from.width) pack = cuda::load<kLength>(from.row(first + row) + column);
#pragma unroll
    for (int e = 0; e < kLength; ++e) pack.values[e] *= factor;
    cuda::store(to + row * TileShape<kWidth>::kStride + column, pack);
  }
}

/// to[r] = factor * row `first + r`, for r < `rows`; zeros behind row `count` of these and behind the head's width.
template <int kWidth, class T>
__device__ __forceinline__ void load_tile(const HeadRows<const T>& from, std::int64_t first, std::int64_t count,
                                          int rows, float factor, float* to) {
  if (from.access == Access::Vectors)
    load_packs<kWidth, cuda::kVectorLength<T>>(from, first, count, rows, factor, to);
  else
    load_packs<kWidth, 1>(from, first, count, rows, factor, to);
}

/// scores[i][j] of the calling thread's rows with walked rows thread_x() + 16 j: one chain over ascending columns.
template <int kWidth>
__device__ __forceinline__ void scores_of(const float* own, const float* walked, int width,
                                          float (&scores)[TileShape<kWidth>::kOwnRows][kOwnScores]) {
  using Shape = TileShape<kWidth>;
  const float* const left = own + thread_y() * Shape::kOwnRows * Shape::kStride;
  const float* const right = walked + thread_x() * Shape::kStride;
#pragma unroll
  for (int i = 0; i < Shape::kOwnRows; ++i)
#pragma unroll
    for (int j = 0; j < kOwnScores; ++j) scores[i][j] = 0.0F;
  for (int d = 0; d < width; d += 4) {
    cuda::Pack<4> b[kOwnScores];
#pragma unroll
    for (int j = 0; j < kOwnScores; ++j) b[j] = cuda::load<4>(right + j * kSide * Shape::kStride + d);
#pragma unroll
    for (int i = 0; i < Shape::kOwnRows; ++i) {
      const auto a = cuda::load<4>(left + i * Shape::kStride + d);
#pragma unroll
      for (int j = 0; j < kOwnScores; ++j)
#pragma unroll
        for (int e = 0; e < 4; ++e) scores[i][j] = fmaf(a.values[e], b[j].values[e], scores[i][j]);
    }
  }
}

/// A weight for each score of the calling thread, where add_product finds it: after a __syncwarp().
template <int kWidth>
__device__ __forceinline__ void store_weights(const float (&weights)[TileShape<kWidth>::kOwnRows][kOwnScores],
                                              float* to) {
  using Shape = TileShape<kWidth>;
#pragma unroll
  for (int i = 0; i < Shape::kOwnRows; ++i)
#pragma unroll
    for (int j = 0; j < kOwnScores; ++j)
      to[(thread_y() * Shape::kOwnRows + i) * kWeightStride + thread_x() + j * kSide] = weights[i][j];
}

/// The calling thread's part of owned rows: columns 4 x .. 4 x + 3 of every 64.
template <int kWidth>
struct OwnSums {
  cuda::Pack<4> packs[TileShape<kWidth>::kOwnRows][TileShape<kWidth>::kPacks];
};

/// sums += weights x walked, over ascending walked rows.
template <int kWidth>
__device__ __forceinline__ void add_product(const float* weights, const float* walked, OwnSums<kWidth>& sums) {
  using Shape = TileShape<kWidth>;
  const float* const left = weights + thread_y() * Shape::kOwnRows * kWeightStride;
  const float* const right = walked + 4 * thread_x();
#pragma unroll 4  // more rows at once than registers hold would spill
  for (int row = 0; row < kWalked; ++row) {
    cuda::Pack<4> values[Shape::kPacks];
#pragma unroll
    for (int p = 0; p < Shape::kPacks; ++p) values[p] = cuda::load<4>(right + row * Shape::kStride + p * kColumnsApart);
#pragma unroll
    for (int i = 0; i < Shape::kOwnRows; ++i) {
      const float weight = left[i * kWeightStride + row];
#pragma unroll
      for (int p = 0; p < Shape::kPacks; ++p)
#pragma unroll
        for (int e = 0; e < 4; ++e)
          sums.packs[i][p].values[e] = fmaf(weight, values[p].values[e], sums.packs[i][p].values[e]);
    }
  }
}

/// The sum, or the largest number, over the threads of a row; all of them get the same bits.
__device__ __forceinline__ float row_total(float value) {
#pragma unroll
  for (int distance = kSide / 2; distance > 0; distance /= 2)
    value += __shfl_xor_sync(cuda::kAllLanes, value, distance);
  return value;
}
__device__ __forceinline__ float row_largest(float value) {
#pragma unroll
  for (int distance = kSide / 2; distance > 0; distance /= 2)
    value = fmaxf(value, __shfl_xor_sync(cuda::kAllLanes, value, distance));
  return value;
}

}  // namespace isobath::flash
