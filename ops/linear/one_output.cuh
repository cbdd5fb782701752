#pragma once
// linear with a single output column (a router's score, a halting logit): a warp per row, so that a row's result does
// not depend on the other rows, which a matrix product does not promise.

#include "ops/core/cuda/reduce.cuh"
#include "ops/linear/activate.cuh"

namespace isobath::kernel {

inline constexpr unsigned kDotRows = 8;  // of a block of threads

inline cuda::LaunchShape a_warp_per_dot(std::int64_t rows) {
  return {.blocks = cuda::blocks_for(rows, kDotRows), .threads = dim3(cuda::kWarp, kDotRows)};
}

/// out[row] = f(x[row] . weight + bias) and slope[row] = f'(same), the latter unless it is null; bias may be null.
template <int kLength, class T, class Out>
__global__ void __launch_bounds__(cuda::kWarp* kDotRows)
    dot_rows(cuda::Matrix<const T> x, const T* weight, const float* bias, Activation activation, Out* out, T* slope) {
  const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * kDotRows + threadIdx.y;
  if (row >= x.rows) return;
  float sum = 0.0F;
  for (std::int64_t column = threadIdx.x * kLength; column < x.columns; column += cuda::kWarp * kLength) {
    const auto a = cuda::load<kLength>(x.row(row) + column), b = cuda::load<kLength>(weight + column);
#pragma unroll
    for (int e = 0; e < kLength; ++e) sum += a.values[e] * b.values[e];
  }
  sum = cuda::warp_sum(sum);
  if (threadIdx.x != 0) return;
  const vector_math::ValueAndSlope at = activation_at(activation, bias != nullptr ? sum + *bias : sum);
  out[row] = static_cast<Out>(at.value);
  if (slope != nullptr) slope[row] = static_cast<T>(at.slope);
}

}  // namespace isobath::kernel
