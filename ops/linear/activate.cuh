#pragma once
// The passes over rows that the matrix products of linear do not do: bias and activation forward, the slope and the
// sums of columns backward.

#include "ops/autograd/grad_slot.hpp"
#include "ops/core/cpu/vector_math.hpp"
#include "ops/core/cuda/column_sums.cuh"
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
template <class T, class Out>
struct Sloped {
  cuda::Matrix<const Out> grad_out;
  Holds holds;
  cuda::Matrix<T> g;

  /// Gives what it wrote.
  template <int kLength>
  __device__ __forceinline__ cuda::Pack<kLength> write(std::int64_t row, std::int64_t column) const {
    auto value = cuda::load<kLength>(grad_out.row(row) + column);
    T* const to = g.row(row) + column;
    if (holds == Holds::Slope)
      value = cuda::map([](float v, float slope) { return v * slope; }, value, cuda::load<kLength>(to));
    value = cuda::map([](float v) { return static_cast<float>(static_cast<T>(v)); }, value);
    cuda::store(to, value);
    return value;
  }

  /// As the terms of cuda::sum_blocks: the gradient of the bias, in the same pass.
  template <int kLength>
  __device__ __forceinline__ void add(std::int64_t row, std::int64_t column, cuda::Pack<kLength> (&to)[1]) const {
    cuda::add_to(to[0], write<kLength>(row, column));
  }
};

template <int kLength, class T, class Out>
__global__ void __launch_bounds__(kActivateThreads) apply_slope(Sloped<T, Out> sloped) {
  const std::int64_t row = blockIdx.x, column = first_column<kLength>();
  if (column < sloped.g.columns) sloped.template write<kLength>(row, column);
}

/// The terms of cuda::sum_blocks where g is there already.
template <class T>
struct Plain {
  cuda::Matrix<const T> g;

  template <int kLength>
  __device__ __forceinline__ void add(std::int64_t row, std::int64_t column, cuda::Pack<kLength> (&to)[1]) const {
    cuda::add_to(to[0], cuda::load<kLength>(g.row(row) + column));
  }
};

}  // namespace isobath::kernel
