#pragma once
// The activations as vector code: each gives value and derivative at one point.

#include <algorithm>
#include <type_traits>

#include "ops/core/cpu/vector_math.hpp"
#include "ops/linear/linear.hpp"

namespace isobath::kernel {

struct Identity {
  static vector_math::ValueAndSlope at(float x) { return {x, 1.0F}; }
};
struct Gelu {
  static vector_math::ValueAndSlope at(float x) { return vector_math::gelu(x); }
};
/// A NaN stays NaN; the derivative at 0 is 0.
struct Relu {
  static vector_math::ValueAndSlope at(float x) { return {x < 0.0F ? 0.0F : x, x > 0.0F ? 1.0F : 0.0F}; }
};

/// body(Function{}) for the type above that `activation` names.
template <class Body>
void on_activation(Activation activation, Body&& body) {
  switch (activation) {
    case Activation::None:
      return body(Identity{});
    case Activation::Gelu:
      return body(Gelu{});
    case Activation::Relu:
      return body(Relu{});
  }
}

/// out = f(u + bias) and, unless slope is null, slope = f'(u + bias), for one row. u may be out; bias may be null.
template <class Function, class Out, class T>
void activate_row(const float* u, const float* bias, Out* out, T* slope, std::int64_t columns) {
  const auto loop = [&](auto bias_at, auto keep) {
#pragma omp simd
    for (std::int64_t c = 0; c < columns; ++c) {
      const vector_math::ValueAndSlope result = Function::at(u[c] + bias_at(c));
      round_to(out[c], result.value);
      keep(c, result.slope);
    }
  };
  const auto with_bias = [&](auto keep) {
    if (bias != nullptr)
      loop([bias](std::int64_t c) { return bias[c]; }, keep);
    else
      loop([](std::int64_t) { return 0.0F; }, keep);
  };
  if (slope != nullptr)
    with_bias([slope](std::int64_t c, float value) { round_to(slope[c], value); });
  else
    with_bias([](std::int64_t, float) {});
}

/// The same for a result or a slope in bf16: computed in f32 strips and rounded in a loop of its own, a tenth faster
/// for GELU than both in one loop.
template <class Function, class Out, class T>
void activate_narrow_row(const float* u, const float* bias, Out* out, T* slope, std::int64_t columns) {
  constexpr std::int64_t kStrip = 256;
  float values[kStrip], slopes[kStrip];
  for (std::int64_t begin = 0; begin < columns; begin += kStrip) {
    const std::int64_t width = std::min(kStrip, columns - begin);
    activate_row<Function>(u + begin, bias ? bias + begin : nullptr, values, slope ? slopes : nullptr, width);
#pragma omp simd
    for (std::int64_t c = 0; c < width; ++c) round_to(out[begin + c], values[c]);
    if (slope == nullptr) continue;
#pragma omp simd
    for (std::int64_t c = 0; c < width; ++c) round_to(slope[begin + c], slopes[c]);
  }
}

/// Row `row` of g = grad_out * slope: where it lies once it is written.
template <class Out, class T>
const T* operand_row(View<const Out> grad_out, LinearOperand<T> operand, std::int64_t row) {
  const Out* from = grad_out.row(row);
  if constexpr (std::is_same_v<Out, T>)
    if (operand.g.data == nullptr) return from;
  T* g = operand.g.row(row);
  const std::int64_t columns = grad_out.columns();
  if (operand.holds_slope) {
#pragma omp simd
    for (std::int64_t c = 0; c < columns; ++c) round_to(g[c], float(from[c]) * float(g[c]));
  } else {
#pragma omp simd
    for (std::int64_t c = 0; c < columns; ++c) round_to(g[c], float(from[c]));
  }
  return g;
}

}  // namespace isobath::kernel
