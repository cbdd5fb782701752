#pragma once
// GELU and its derivative in double precision, with the error that the bounds of vector_math.hpp allow.

#include <cmath>
#include <numbers>

#include "ops_dense/exact.hpp"

namespace isobath::test {

inline double cumulative(double x) { return 0.5 * std::erfc(-x * std::numbers::sqrt2 / 2); }
inline double density(double x) { return std::exp(-0.5 * x * x) * std::numbers::inv_sqrtpi / std::numbers::sqrt2; }

/// Phi is good to 8 ulp = 16 epsilon and the product adds a rounding; below the normal numbers Phi is flushed.
inline double gelu_error(double x) { return std::abs(x) * (17 * kEpsilon * cumulative(x) + 0x1p-126); }
/// phi is good to 3 ulp = 6 epsilon; a product and a sum add a rounding each.
inline double gelu_slope_error(double x) {
  return 18 * kEpsilon * cumulative(x) + 9 * kEpsilon * std::abs(x) * density(x) + (1 + std::abs(x)) * 0x1p-126;
}

inline Exact gelu_of(const Exact& x) {
  // |gelu'| is largest at sqrt 2, where it is 1.129
  return applied(
      x, [](double v) { return v * cumulative(v); }, 1.13, gelu_error);
}
inline Exact gelu_slope_of(const Exact& x) {
  // gelu'' = phi(x) (2 - x^2) is largest at 0
  return applied(
      x, [](double v) { return cumulative(v) + v * density(v); }, 0.798, gelu_slope_error);
}

}  // namespace isobath::test
