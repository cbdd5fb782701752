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

/// The terms of cuda::sum_blocks: for gain, then for shift.
template <class T, class Out>
struct GainAndShift {
  LayerNormInputs<T, Out> in;

  template <int kLength>
  __device__ __forceinline__ void add(std::int64_t row, std::int64_t column, cuda::Pack<kLength> (&to)[2]) const {
    const auto grad = cuda::load<kLength>(in.grad_out.row(row) + column),
               x = cuda::load<kLength>(in.x.row(row) + column);
    const float center = in.mean[row], scale = in.rstd[row];
#pragma unroll
    for (int e = 0; e < kLength; ++e) to[0].values[e] += grad.values[e] * ((x.values[e] - center) * scale);
    cuda::add_to(to[1], grad);
  }
};

}  // namespace isobath::kernel
