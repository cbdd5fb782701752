#pragma once
// The passes over rows that the matrix products of linear do not do: bias and activation forward, the slope and the
// sums of columns backward.

#include "ops/autograd/grad_slot.hpp"
#include "ops/core/cpu/vector_math.hpp"
#include "ops/core/cuda/launch.hpp"
#include "ops/linear/linear.hpp"
#include "ops/tensor/matrix.cuh"

namespace isobath::kernel {

/// Value and derivative of an activation at x. Relu's derivative at 0 is 0; a NaN stays one.
__device__ __forceinline__ vector_math::ValueAndSlope activation_at(Activation activation, float x) {
  if (activation == Activation::Gelu) return vector_math::gelu(x);
  if (activation == Activation::Relu) return {x < 0.0F ? 0.0F : x, x > 0.0F ? 1.0F : 0.0F};
  return {x, 1.0F};
}

inline constexpr unsigned kActivateThreads = 128;  // of a block, which takes so many packs of one row

template <int kLength>
cuda::LaunchShape packs_of_rows(std::int64_t rows, std::int64_t columns) {
  return {.blocks = dim3(static_cast<unsigned>(rows), cuda::blocks_for(columns, kActivateThreads * kLength)),
          .threads = kActivateThreads};
}

/// First of the calling thread's columns; it may lie beyond the end.
template <int kLength>
__device__ __forceinline__ std::int64_t first_column() {
  return (static_cast<std::int64_t>(blockIdx.y) * kActivateThreads + threadIdx.x) * kLength;
}

/// out = f(u + bias) and slope = f'(u + bias), the latter unless its data is null. u may be out; bias may be null.
template <int kLength, class T, class Out>
__global__ void __launch_bounds__(kActivateThreads)
    activate(cuda::Matrix<const float> u, const float* bias, Activation activation, cuda::Matrix<Out> out,
             cuda::Matrix<T> slope) {
  const std::int64_t row = blockIdx.x, column = first_column<kLength>();
  if (column >= u.columns) return;
  auto value = cuda::load<kLength>(u.row(row) + column);
  cuda::Pack<kLength> derivative, shift = {};
  if (bias != nullptr) shift = cuda::load<kLength>(bias + column);
#pragma unroll
  for (int e = 0; e < kLength; ++e) {
    const vector_math::ValueAndSlope at = activation_at(activation, value.values[e] + shift.values[e]);
    value.values[e] = at.value;
    derivative.values[e] = at.slope;
  }
  cuda::store(out.row(row) + column, value);
  if (slope.data != nullptr) cuda::store(slope.row(row) + column, derivative);
}

enum class Holds { Nothing, Slope };

/// g = grad_out, times what g holds if that is the slope.
template <int kLength, class T, class Out>
__global__ void __launch_bounds__(kActivateThreads)
    apply_slope(cuda::Matrix<const Out> grad_out, Holds holds, cuda::Matrix<T> g) {
  const std::int64_t row = blockIdx.x, column = first_column<kLength>();
  if (column >= g.columns) return;
  auto value = cuda::load<kLength>(grad_out.row(row) + column);
  if (holds == Holds::Slope) {
    const auto slope = cuda::load<kLength>(g.row(row) + column);
#pragma unroll
    for (int e = 0; e < kLength; ++e) value.values[e] *= slope.values[e];
  }
  cuda::store(g.row(row) + column, value);
}

// Threads of a block of sum_rows: x over columns, y over rows.
inline constexpr unsigned kSumColumns = 32, kSumRows = 8;

/// Row b of `to` = (Add: to +) the sums over rows [b * block, (b + 1) * block) of `from`, in an order that depends only
/// on the extents. One block of threads per row and 32 columns of `to`.
template <class T>
__global__ void __launch_bounds__(kSumColumns* kSumRows)
    sum_rows(cuda::Matrix<const T> from, std::int64_t block, cuda::Matrix<float> to, Accumulate mode) {
  auto& partial = cuda::block_shared<float[kSumRows][kSumColumns]>();
  const std::int64_t column = static_cast<std::int64_t>(blockIdx.y) * kSumColumns + threadIdx.x,
                     begin = static_cast<std::int64_t>(blockIdx.x) * block;
  const std::int64_t end = begin + block < from.rows ? begin + block : from.rows;
  float sum = 0.0F;
  if (column < from.columns)
    for (std::int64_t row = begin + threadIdx.y; row < end; row += kSumRows)
      sum += static_cast<float>(from.row(row)[column]);
  partial[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y != 0 || column >= from.columns) return;
  for (unsigned y = 1; y < kSumRows; ++y) sum += partial[y][threadIdx.x];
  float* const target = to.row(blockIdx.x) + column;
  *target = mode == Accumulate::Add ? *target + sum : sum;
}

}  // namespace isobath::kernel
