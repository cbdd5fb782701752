#pragma once
// Values for tests, and comparisons with references in double precision. A NaN on either side never passes for
// agreement.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "ops/core/random.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath::test {

/// Half the distance from 1 to the next f32: the largest relative error of one rounding.
inline constexpr double kEpsilon = 0x1p-24;

/// Uniform in [-scale, scale), f32; equal for equal (count, seed, scale).
inline std::vector<float> random_values(std::int64_t count, std::uint64_t seed, float scale = 1.0F) {
  const auto key = RandomKey{seed, Purpose::Test, 0, 0}.words();
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = scale * (2.0F * to_uniform(draw4(key, 0, 0, i / 4)[i % 4]) - 1.0F);
  return values;
}

/// The elements as doubles, whatever the float type.
inline std::vector<double> to_doubles(const Tensor& tensor) {
  std::vector<double> out;
  const auto append = [&](const auto& values) {
    for (const auto& value : values) out.push_back(static_cast<double>(static_cast<float>(value)));
  };
  if (tensor.dtype() == DType::F64) return tensor.to_vector<double>();
  if (tensor.dtype() == DType::BF16)
    append(tensor.to_vector<bfloat16>());
  else
    append(tensor.to_vector<float>());
  return out;
}

inline std::vector<double> to_doubles(const std::vector<float>& values) { return {values.begin(), values.end()}; }

/// |got - want| <= absolute + relative * |want|.
struct Bound {
  double absolute = 0.0;
  double relative = 0.0;
};

/// Where `got` differs most from `want`, measured in units of the bound: above 1 is outside, NaN counts as infinite.
struct Worst {
  std::size_t index = 0;
  double ratio = 0.0;
};

inline double error_ratio(double got, double want, Bound bound) {
  if (got == want) return 0.0;  // also equal infinities
  const double ratio = std::abs(got - want) / (bound.absolute + bound.relative * std::abs(want));
  return std::isnan(ratio) ? std::numeric_limits<double>::infinity() : ratio;
}

inline Worst worst_error(const std::vector<double>& got, const std::vector<double>& want, Bound bound) {
  Worst worst;
  for (std::size_t i = 0; i < std::min(got.size(), want.size()); ++i) {
    const double ratio = error_ratio(got[i], want[i], bound);
    if (ratio > worst.ratio) worst = {i, ratio};
  }
  return worst;
}

/// For EXPECT_TRUE(close(...)): equal counts and every element within the bound.
inline ::testing::AssertionResult close(const std::vector<double>& got, const std::vector<double>& want, Bound bound) {
  if (got.size() != want.size())
    return ::testing::AssertionFailure() << got.size() << " elements, expected " << want.size();
  const Worst worst = worst_error(got, want, bound);
  if (worst.ratio <= 1.0) return ::testing::AssertionSuccess() << "worst ratio " << worst.ratio;
  return ::testing::AssertionFailure() << "element " << worst.index << " is " << got[worst.index] << ", expected "
                                       << want[worst.index] << ": " << worst.ratio << " times the bound of "
                                       << bound.absolute << " + " << bound.relative << " * |expected|";
}

inline ::testing::AssertionResult close(const Tensor& got, const std::vector<double>& want, Bound bound) {
  return close(to_doubles(got), want, bound);
}

/// Equal dtype, count and bits (so -0 differs from 0 and a NaN equals itself).
inline ::testing::AssertionResult same_bits(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || a.count() != b.count())
    return ::testing::AssertionFailure() << a.shape() << ' ' << name_of(a.dtype()) << " against " << b.shape() << ' '
                                         << name_of(b.dtype());
  const auto* left = static_cast<const unsigned char*>(a.raw());
  const auto* right = static_cast<const unsigned char*>(b.raw());
  if (a.bytes() == 0 || std::memcmp(left, right, a.bytes()) == 0) return ::testing::AssertionSuccess();
  const auto differs = static_cast<std::size_t>(std::mismatch(left, left + a.bytes(), right).first - left);
  return ::testing::AssertionFailure() << "bits differ first at element " << differs / size_of(a.dtype());
}

/// f32 sum of products in double: the inner product of the adjoint laws <A x, y> = <x, A^T y>.
inline double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) sum += a[i] * b[i];
  return sum;
}

inline double norm(const std::vector<double>& a) { return std::sqrt(dot(a, a)); }

}  // namespace isobath::test
