#pragma once
// The activations as vector code: each gives value and derivative at one point.

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
template <class Function, class T>
void activate_row(const float* u, const T* bias, T* out, T* slope, std::int64_t columns) {
  const auto loop = [&](auto bias_at, auto keep) {
#pragma omp simd
    for (std::int64_t c = 0; c < columns; ++c) {
      const vector_math::ValueAndSlope result = Function::at(u[c] + bias_at(c));
      out[c] = T(result.value);
      keep(c, result.slope);
    }
  };
  const auto with_bias = [&](auto keep) {
    if (bias != nullptr)
      loop([bias](std::int64_t c) { return float(bias[c]); }, keep);
    else
      loop([](std::int64_t) { return 0.0F; }, keep);
  };
  if (slope != nullptr)
    with_bias([slope](std::int64_t c, float value) { slope[c] = T(value); });
  else
    with_bias([](std::int64_t, float) {});
}

/// slope *= grad_out for one row, unless slope is null; the row that then holds g.
template <class T>
const T* scaled_row(const T* grad_out, T* slope, std::int64_t columns) {
  if (slope == nullptr) return grad_out;
#pragma omp simd
  for (std::int64_t c = 0; c < columns; ++c) slope[c] = T(float(grad_out[c]) * float(slope[c]));
  return slope;
}

}  // namespace isobath::kernel
