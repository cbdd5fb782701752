#pragma once
// The gradients of gain and shift: sums down the columns, in two stages whose order depends only on the extents. First
// the rows of each block of kLayerNormBlockRows, then the blocks.

#include "ops/autograd/grad_slot.hpp"
#include "ops/core/cuda/launch.hpp"
#include "ops/core/cuda/reduce.cuh"
#include "ops/layer_norm/layer_norm.hpp"
#include "ops/tensor/matrix.cuh"

namespace isobath::kernel {

// Threads of a block: x over packs of columns, y over rows.
inline constexpr int kColumnThreads = 32, kRowThreads = 8;

template <int kLength, int kSums>
struct ColumnScratch {
  alignas(16) float sums[kSums][kRowThreads][kColumnThreads * kLength];
};

template <int kLength>
cuda::LaunchShape blocks_of_columns(std::int64_t row_blocks, std::int64_t columns) {
  return {.blocks = dim3(cuda::blocks_for(row_blocks, 1), cuda::blocks_for(columns, kColumnThreads * kLength)),
          .threads = dim3(kColumnThreads, kRowThreads)};
}

/// First of the calling thread's columns; the last block's may lie beyond the end.
template <int kLength>
__device__ __forceinline__ std::int64_t own_column() {
  return (static_cast<std::int64_t>(blockIdx.y) * kColumnThreads + threadIdx.x) * kLength;
}

template <int kLength>
__device__ __forceinline__ void add_to(cuda::Pack<kLength>& sum, const cuda::Pack<kLength>& more) {
#pragma unroll
  for (int e = 0; e < kLength; ++e) sum.values[e] += more.values[e];
}

/// Runs add_row(row, sums) over rows [begin, end), shared out over y, and gathers the sums at y = 0, in ascending y.
/// Every thread of the block calls; those without columns pass an empty range.
template <int kLength, int kSums, class AddRow>
__device__ __forceinline__ void sum_over_rows(std::int64_t begin, std::int64_t end, cuda::Pack<kLength> (&sums)[kSums],
                                              AddRow&& add_row) {
  auto& scratch = cuda::block_shared<ColumnScratch<kLength, kSums>>();
  for (std::int64_t row = begin + threadIdx.y; row < end; row += kRowThreads) add_row(row, sums);
  const unsigned at = threadIdx.x * kLength;
#pragma unroll
  for (int s = 0; s < kSums; ++s) cuda::store(&scratch.sums[s][threadIdx.y][at], sums[s]);
  __syncthreads();
  if (threadIdx.y != 0) return;
#pragma unroll
  for (int s = 0; s < kSums; ++s)
    for (int y = 1; y < kRowThreads; ++y) add_to(sums[s], cuda::load<kLength>(&scratch.sums[s][y][at]));
}

/// What backward reads.
template <class T, class Out>
struct LayerNormInputs {
  cuda::Matrix<const Out> grad_out;
  cuda::Matrix<const T> x;
  const float *gain, *mean, *rstd;
};

/// Row 2b of `partial` gets the sums of block b for gain, row 2b + 1 those for shift.
template <int kLength, class T, class Out>
__global__ void __launch_bounds__(kColumnThreads* kRowThreads)
    sum_blocks(LayerNormInputs<T, Out> in, cuda::Matrix<float> partial) {
  const std::int64_t column = own_column<kLength>(), block = blockIdx.x;
  const bool has_columns = column < in.x.columns;
  const std::int64_t begin = block * kLayerNormBlockRows, limit = begin + kLayerNormBlockRows;
  const std::int64_t end = !has_columns ? begin : limit < in.x.rows ? limit : in.x.rows;
  cuda::Pack<kLength> sums[2] = {};
  sum_over_rows(begin, end, sums, [&](std::int64_t row, cuda::Pack<kLength>(&to)[2]) {
    const auto grad = cuda::load<kLength>(in.grad_out.row(row) + column),
               x = cuda::load<kLength>(in.x.row(row) + column);
    const float center = in.mean[row], scale = in.rstd[row];
#pragma unroll
    for (int e = 0; e < kLength; ++e) to[0].values[e] += grad.values[e] * ((x.values[e] - center) * scale);
    add_to(to[1], grad);
  });
  if (threadIdx.y != 0 || !has_columns) return;
  cuda::store(partial.row(2 * block) + column, sums[0]);
  cuda::store(partial.row(2 * block + 1) + column, sums[1]);
}

enum class Which { Gain = 0, Shift = 1 };

/// to = (Add: to) + the sum over the blocks.
template <int kLength>
__global__ void __launch_bounds__(kColumnThreads* kRowThreads)
    sum_partial(cuda::Matrix<const float> partial, Which which, float* to, Accumulate mode) {
  const std::int64_t column = own_column<kLength>();
  const bool has_columns = column < partial.columns;
  cuda::Pack<kLength> sums[1] = {};
  sum_over_rows(0, has_columns ? partial.rows / 2 : 0, sums, [&](std::int64_t block, cuda::Pack<kLength>(&into)[1]) {
    add_to(into[0], cuda::load<kLength>(partial.row(2 * block + static_cast<int>(which)) + column));
  });
  if (threadIdx.y != 0 || !has_columns) return;
  if (mode == Accumulate::Add) add_to(sums[0], cuda::load<kLength>(to + column));
  cuda::store(to + column, sums[0]);
}

}  // namespace isobath::kernel
