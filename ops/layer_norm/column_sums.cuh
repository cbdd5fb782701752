#pragma once
// The gradients of gain and shift within blocks of kLayerNormBlockRows rows.

#include "ops/core/cuda/column_sums.cuh"
#include "ops/layer_norm/layer_norm.hpp"
#include "ops/tensor/matrix.cuh"

namespace isobath::kernel {

/// What backward reads.
template <class T, class Out>
struct LayerNormInputs {
  cuda::Matrix<const Out> grad_out;
  cuda::Matrix<const T> x;
  const float *gain, *mean, *rstd;
};

/// Row 2b of `partial` gets the sums of block b for gain, row 2b + 1 those for shift.
template <int kLength, class T, class Out>
__global__ void __launch_bounds__(cuda::kColumnThreads* cuda::kRowsOfThreads)
    sum_blocks(LayerNormInputs<T, Out> in, cuda::Matrix<float> partial) {
  const std::int64_t column = cuda::own_column<kLength>(), block = blockIdx.x;
  const bool has_columns = column < in.x.columns;
  const std::int64_t begin = block * kLayerNormBlockRows, limit = begin + kLayerNormBlockRows;
  const std::int64_t end = !has_columns ? begin : limit < in.x.rows ? limit : in.x.rows;
  cuda::Pack<kLength> sums[2] = {};
  cuda::sum_over_rows(begin, end, sums, [&](std::int64_t row, cuda::Pack<kLength>(&to)[2]) {
    const auto grad = cuda::load<kLength>(in.grad_out.row(row) + column),
               x = cuda::load<kLength>(in.x.row(row) + column);
    const float center = in.mean[row], scale = in.rstd[row];
#pragma unroll
    for (int e = 0; e < kLength; ++e) to[0].values[e] += grad.values[e] * ((x.values[e] - center) * scale);
    cuda::add_to(to[1], grad);
  });
  if (threadIdx.y != 0 || !has_columns) return;
  cuda::store(partial.row(2 * block) + column, sums[0]);
  cuda::store(partial.row(2 * block + 1) + column, sums[1]);
}

}  // namespace isobath::kernel
