#pragma once
// Sums down the columns, in two stages whose order depends only on the extents: first the rows of each block, then the
// blocks.

#include "ops/core/cuda/launch.hpp"
#include "ops/core/cuda/pack_math.cuh"

namespace isobath::cuda {

// Threads of a block: x over packs of columns, y over rows.
inline constexpr int kColumnThreads = 32, kRowsOfThreads = 8;
// Blocks that a multiprocessor has at once at least. Left to itself ptxas makes room for twice as many, and spills.
inline constexpr int kColumnBlocksTogether = 4;

template <int kLength, int kSums>
struct ColumnScratch {
  alignas(16) float sums[kSums][kRowsOfThreads][kColumnThreads * kLength];
};

template <int kLength>
LaunchShape blocks_of_columns(std::int64_t row_blocks, std::int64_t columns) {
  return {.blocks = dim3(blocks_for(row_blocks, 1), blocks_for(columns, kColumnThreads * kLength)),
          .threads = dim3(kColumnThreads, kRowsOfThreads)};
}

/// First of the calling thread's columns; the last block's may lie beyond the end.
template <int kLength>
__device__ __forceinline__ std::int64_t own_column() {
  return (static_cast<std::int64_t>(blockIdx.y) * kColumnThreads + threadIdx.x) * kLength;
}

/// Runs add_row(row, sums) over rows [begin, end), shared out over y, and gathers the sums at y = 0, in ascending y.
/// Every thread of the block calls; those without columns pass an empty range.
template <int kLength, int kSums, class AddRow>
__device__ __forceinline__ void sum_over_rows(std::int64_t begin, std::int64_t end, Pack<kLength> (&sums)[kSums],
                                              AddRow&& add_row) {
  auto& scratch = block_shared<ColumnScratch<kLength, kSums>>();
  for (std::int64_t row = begin + threadIdx.y; row < end; row += kRowsOfThreads) add_row(row, sums);
  const unsigned at = threadIdx.x * kLength;
#pragma unroll
  for (int s = 0; s < kSums; ++s) store(&scratch.sums[s][threadIdx.y][at], sums[s]);
  __syncthreads();
  if (threadIdx.y != 0) return;
#pragma unroll
  for (int s = 0; s < kSums; ++s)
    for (int y = 1; y < kRowsOfThreads; ++y) add_to(sums[s], load<kLength>(&scratch.sums[s][y][at]));
}

/// Rows cut into blocks of `block_rows`. Of kSums sums over the rows of block b, `partial` gets number s in its row
/// kSums * b + s.
struct RowBlocks {
  std::int64_t rows, columns, block_rows;
  float* partial;
};

/// terms.add(row, column, sums) adds what a row has for the columns from `column` on to sums[kSums].
template <int kLength, int kSums, class Terms>
__global__ void __launch_bounds__(kColumnThreads* kRowsOfThreads, kColumnBlocksTogether)
    sum_blocks(RowBlocks of, Terms terms) {
  const std::int64_t column = own_column<kLength>(), block = blockIdx.x;
  const bool has_columns = column < of.columns;
  const std::int64_t begin = block * of.block_rows, limit = begin + of.block_rows;
  const std::int64_t end = !has_columns ? begin : limit < of.rows ? limit : of.rows;
  Pack<kLength> sums[kSums] = {};
  sum_over_rows(begin, end, sums, [&](std::int64_t row, Pack<kLength>(&to)[kSums]) { terms.add(row, column, to); });
  if (threadIdx.y != 0 || !has_columns) return;
#pragma unroll
  for (int s = 0; s < kSums; ++s) store(of.partial + (kSums * block + s) * of.columns + column, sums[s]);
}

/// Queues sum_blocks. Rows of `partial`, and what the terms read, allow packs of kLength.
template <int kSums, int kLength, class Terms>
void launch_sum_blocks(const char* name, CudaQueue queue, Length<kLength>, const RowBlocks& of, const Terms& terms) {
  launch(name, &sum_blocks<kLength, kSums, Terms>,
         blocks_of_columns<kLength>(blocks_for(of.rows, of.block_rows), of.columns), queue, of, terms);
}

/// Partial sums in rows first, first + stride, ... below `rows` of a row-major array.
struct PartialSums {
  const float* data;
  std::int64_t rows, columns, first, stride;
};

/// to = (Add: to +) the sum of those rows.
template <int kLength>
__global__ void __launch_bounds__(kColumnThreads* kRowsOfThreads)
    sum_partial(PartialSums partial, float* to, Accumulate mode) {
  const std::int64_t column = own_column<kLength>();
  const bool has_columns = column < partial.columns;
  const std::int64_t blocks = (partial.rows - partial.first + partial.stride - 1) / partial.stride;
  Pack<kLength> sums[1] = {};
  sum_over_rows(0, has_columns ? blocks : 0, sums, [&](std::int64_t block, Pack<kLength>(&into)[1]) {
    const std::int64_t row = partial.first + block * partial.stride;
    add_to(into[0], load<kLength>(partial.data + row * partial.columns + column));
  });
  if (threadIdx.y == 0 && has_columns) put(to + column, mode, sums[0]);
}

/// Queues sum_partial.
inline void launch_sum_partial(const char* name, CudaQueue queue, const PartialSums& partial, float* to,
                               Accumulate mode) {
  const std::size_t row_bytes = static_cast<std::size_t>(partial.columns) * sizeof(float);
  const auto start = [&]<int kLength>(Length<kLength>) {
    launch(name, &sum_partial<kLength>, blocks_of_columns<kLength>(1, partial.columns), queue, partial, to, mode);
  };
  if (allows_vectors(partial.data, row_bytes) && allows_vectors(to, row_bytes))
    start(Length<kVectorLength<float>>{});
  else
    start(Length<1>{});
}

}  // namespace isobath::cuda
