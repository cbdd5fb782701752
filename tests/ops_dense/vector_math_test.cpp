// The bounds that vector_math.hpp promises, against double precision over the whole range of float, in vector code and
// in scalar code.
#include "ops/core/cpu/vector_math.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include <gtest/gtest.h>

namespace isobath {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// Distance in units of the last place that float has at `exact`; infinite if `got` is NaN.
double ulps(float got, double exact) {
  const float size = static_cast<float>(std::fabs(exact));
  const double unit = static_cast<double>(std::nextafter(size, kInfinity)) - size;
  const double error = std::fabs(got - exact) / unit;
  return error == error ? error : std::numeric_limits<double>::infinity();
}

bool is_normal(double exact) {
  return std::fabs(exact) >= std::numeric_limits<float>::min() && std::fabs(exact) < std::numeric_limits<float>::max();
}

// Finite floats of both signs, evenly spread over all bit patterns; the stride is odd so that all low bits occur.
std::vector<float> all_kinds_of_floats() {
  std::vector<float> values;
  for (std::uint64_t bits = 0; bits < (1ULL << 32); bits += 4099) {
    const float value = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    if (std::isfinite(value)) values.push_back(value);
  }
  return values;
}

// Where the functions vary: dense in [-110, 110].
std::vector<float> moderate_floats() {
  std::vector<float> values;
  for (int i = -1100000; i <= 1100000; ++i) values.push_back(static_cast<float>(i) * 1e-4F);
  return values;
}

std::vector<float> samples() {
  std::vector<float> values = all_kinds_of_floats();
  const std::vector<float> more = moderate_floats();
  values.insert(values.end(), more.begin(), more.end());
  return values;
}

TEST(VectorMath, ExpWithinItsBound) {
  const std::vector<float> x = samples();
  std::vector<float> got(x.size());
#pragma omp simd
  for (std::size_t i = 0; i < x.size(); ++i) got[i] = vector_math::exp(x[i]);
  double worst = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double exact = std::exp(static_cast<double>(x[i]));
    if (is_normal(exact)) worst = std::max(worst, ulps(got[i], exact));
    if (exact < std::numeric_limits<float>::min() / 1.0001) {
      ASSERT_EQ(got[i], 0.0F) << x[i];
    }
    if (exact > std::numeric_limits<float>::max() * 1.0001) {
      ASSERT_EQ(got[i], kInfinity) << x[i];
    }
  }
  EXPECT_LE(worst, 1.5);
  EXPECT_GT(worst, 0.4);  // a comparison that measured nothing would say 0
}

TEST(VectorMath, ExpOfSumTakesBothParts) {
  for (float high = -80.0F; high <= 80.0F; high += 0.37F)
    for (const float low : {-0.1F, -3e-4F, 7e-6F, 0.1F})
      EXPECT_LE(ulps(vector_math::exp_of_sum(high, low), std::exp(static_cast<double>(high) + low)), 1.5) << high;
}

TEST(VectorMath, ExpAtTheEdges) {
  EXPECT_EQ(vector_math::exp(0.0F), 1.0F);
  EXPECT_EQ(vector_math::exp(-0.0F), 1.0F);
  EXPECT_EQ(vector_math::exp(kInfinity), kInfinity);
  EXPECT_EQ(vector_math::exp(-kInfinity), 0.0F);
  EXPECT_TRUE(std::isfinite(vector_math::exp(88.72283F)));
  for (const std::uint32_t bits : {0x7fc00000U, 0xffc00000U, 0x7fc12345U, 0x7f800001U, 0xffffffffU})
    EXPECT_TRUE(std::isnan(vector_math::exp(std::bit_cast<float>(bits)))) << bits;
}

TEST(VectorMath, NormalWithinItsBounds) {
  const std::vector<float> x = samples();
  std::vector<float> cumulative(x.size()), density(x.size());
#pragma omp simd
  for (std::size_t i = 0; i < x.size(); ++i) {
    const vector_math::Normal normal = vector_math::normal(x[i]);
    cumulative[i] = normal.cumulative;
    density[i] = normal.density;
  }
  double worst_middle = 0.0, worst = 0.0, worst_density = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double value = x[i];
    const double exact = 0.5 * std::erfc(-value * std::numbers::sqrt2 / 2);
    const double exact_density = std::exp(-0.5 * value * value) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
    if (std::fabs(value) <= 3.0) worst_middle = std::max(worst_middle, ulps(cumulative[i], exact));
    if (is_normal(exact)) worst = std::max(worst, ulps(cumulative[i], exact));
    if (is_normal(exact_density)) worst_density = std::max(worst_density, ulps(density[i], exact_density));
  }
  EXPECT_LE(worst_middle, 5.0);
  EXPECT_LE(worst, 8.0);
  EXPECT_LE(worst_density, 3.0);
}

TEST(VectorMath, NormalAtTheEdges) {
  EXPECT_EQ(vector_math::normal(0.0F).cumulative, 0.5F);
  EXPECT_EQ(vector_math::normal(kInfinity).cumulative, 1.0F);
  EXPECT_EQ(vector_math::normal(kInfinity).density, 0.0F);
  EXPECT_EQ(vector_math::normal(-kInfinity).cumulative, 0.0F);
  EXPECT_TRUE(std::isnan(vector_math::normal(kNaN).cumulative));
  EXPECT_TRUE(std::isnan(vector_math::normal(-kNaN).density));
}

}  // namespace
}  // namespace isobath
