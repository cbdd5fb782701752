#pragma once
// Elementary functions without branches or calls: inside a `#pragma omp simd` loop the compiler turns them into vector
// code. They are constexpr so that kernels of other devices compute by the same formulas. The polynomials are minimax
// fits of our own (Remez exchange in 40 digits); the bounds below are asserted in tests/ops_dense/vector_math_test.cpp
// against double precision. An ulp is that of the exact result.

#include <bit>
#include <cstdint>
#include <limits>

namespace isobath::vector_math {

/// e^(high + low), to 1.5 ulp for |low| <= 0.1. Results below the smallest normal number are 0, so that no kernel pays
/// for denormal numbers; results above the largest are infinite; NaN stays NaN.
[[gnu::always_inline]] constexpr float exp_of_sum(float high, float low) {
  constexpr float kLog2E = 1.44269504F;
  // log(2) in two pieces: n * kLn2High is exact, for kLn2High has 9 trailing zero bits and |n| < 2^8.
  constexpr float kLn2High = 0.693145752F, kLn2Low = 1.42860677e-6F;
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: adding it leaves the nearest integer in the lowest bits
  constexpr float kLargest = 88.7228394F, kSmallest = -87.3365402F;

  const float shifted = (high + low) * kLog2E + kRound;
  const float n = shifted - kRound;
  const float r = ((high - n * kLn2High) - n * kLn2Low) + low;
  // (e^r - 1 - r) / r^2 on |r| <= log(2) / 2, relative error of e^r 3.1e-9
  float p = 0.00138145476F;
  p = p * r + 0.00836871790F;
  p = p * r + 0.0416683893F;
  p = p * r + 0.166665206F;
  p = p * r + 0.499999934F;
  p = (p * r) * r + r;
  p = p + 1.0F;
  // times 2^n: n into the exponent field; what overflows it is replaced below
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(p) + (std::bit_cast<std::uint32_t>(shifted) << 23);
  float result = std::bit_cast<float>(bits);
  result = high < kSmallest ? 0.0F : result;
  return high <= kLargest ? result : high + std::numeric_limits<float>::infinity();
}

/// e^x under the terms of exp_of_sum. (Adding -0 changes nothing, and the compiler knows it.)
[[gnu::always_inline]] constexpr float exp(float x) { return exp_of_sum(x, -0.0F); }

/// The standard normal distribution at x.
struct Normal {
  float cumulative;  ///< Phi(x) = (1 + erf(x / sqrt 2)) / 2, to 5 ulp for |x| <= 3 and 8 ulp down to 2^-126, 0 below
  float density;     ///< exp(-x^2 / 2) / sqrt(2 pi), to 3 ulp
};

/// One exponential and one division serve both. erf(y) = 2 normal(y * sqrt 2).cumulative - 1, absolutely to 2^-22.
[[gnu::always_inline]] constexpr Normal normal(float x) {
  constexpr float kFar = 16.0F;  // Phi(-16) and the density are below 2^-126
  const float size = std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) & 0x7fffffffU);
  const float z = size > kFar ? kFar : size;
  // z^2 = head^2 + (z - head)(z + head): head has 12 bits, so its square is exact and the tail keeps its relative error
  const float head = std::bit_cast<float>(std::bit_cast<std::uint32_t>(z) & 0xfffff000U);
  const float gauss = exp_of_sum(-0.5F * (head * head), -0.5F * ((z - head) * (z + head)));
  // Phi(-z) exp(z^2 / 2) / t for z in [0, 13.3] as a polynomial in z * t, relative error 2.7e-8, each coefficient
  // fitted after the lower ones were rounded. The argument vanishes with z, so that the rounding of t does not reach
  // the polynomial where the function is steep.
  const float t = 1.0F / (1.0F + 0.34F * z);
  const float s = z * t;
  float p = -4.73418640e-6F;
  p = p * s + 3.71716415e-5F;
  p = p * s - 4.60534320e-5F;
  p = p * s - 1.30916727e-4F;
  p = p * s - 1.03288284e-3F;
  p = p * s + 3.33041488e-3F;
  p = p * s + 3.65180671e-2F;
  p = p * s - 0.228942350F;
  p = p * s + 0.5F;
  const float tail = (p * t) * gauss;
  return {x < 0.0F ? tail : 1.0F - tail, gauss * 0.398942280F};
}

/// A function's value and derivative at one point.
struct ValueAndSlope {
  float value, slope;
};

/// x Phi(x) and its derivative Phi(x) + x phi(x). What is not used costs nothing.
[[gnu::always_inline]] constexpr ValueAndSlope gelu(float x) {
  const Normal at = normal(x);
  return {x * at.cumulative, at.cumulative + x * at.density};
}

}  // namespace isobath::vector_math
