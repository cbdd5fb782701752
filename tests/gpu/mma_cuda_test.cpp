// Products by a warp: every element of every matrix lies in the lane and the place that the PTX manual says.
// Along the dimension that is summed over, both factors could lie in one other order: no product tells.

#include "tests/gpu/mma_cuda.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gpu/devices.hpp"

namespace isobath {
namespace {

using test::WarpMatrices;

struct Place {
  std::size_t row, column;
};

// PTX ISA 8, "Matrix Fragments for mma.m16n8k16 with floating point type", restated: element i of a lane.
Place of_left(std::size_t lane, std::size_t i) {
  const bool upper = i < 2 || (i >= 4 && i < 6);
  return {lane / 4 + (upper ? 0 : 8), lane % 4 * 2 + (i & 1) + (i < 4 ? 0 : 8)};
}
Place of_right(std::size_t lane, std::size_t i) { return {lane % 4 * 2 + (i & 1) + (i < 2 ? 0 : 8), lane / 4}; }
Place of_sums(std::size_t lane, std::size_t i) { return {lane / 4 + (i < 2 ? 0 : 8), lane % 4 * 2 + (i & 1)}; }

struct Matrix {
  std::size_t rows, columns;
  std::vector<float> values = std::vector<float>(rows * columns, 0.0F);

  float& at(Place place) { return values[place.row * columns + place.column]; }
  float at(Place place) const { return values[place.row * columns + place.column]; }
};

Matrix random_matrix(std::size_t rows, std::size_t columns, std::uint64_t seed) {
  Matrix matrix{rows, columns};
  matrix.values = test::random_values(static_cast<std::int64_t>(rows * columns), seed);
  for (float& value : matrix.values) value = static_cast<float>(bfloat16(value));
  return matrix;
}

// 1, 2, ..., 256 at most: exact in bf16.
Matrix counted(std::size_t rows, std::size_t columns) {
  Matrix matrix{rows, columns};
  for (std::size_t i = 0; i < matrix.values.size(); ++i) matrix.values[i] = static_cast<float>(i + 1);
  return matrix;
}

template <class T, class Layout>
std::vector<T> by_lanes(const Matrix& matrix, std::size_t of_lane, Layout&& layout) {
  std::vector<T> out;
  for (std::size_t lane = 0; lane < 32; ++lane)
    for (std::size_t i = 0; i < of_lane; ++i) out.push_back(static_cast<T>(matrix.at(layout(lane, i))));
  return out;
}

Matrix product(const Matrix& left, const Matrix& right, const Matrix& sums) {
  const std::vector<float> got =
      test::product_on_device({by_lanes<bfloat16>(left, 8, of_left), by_lanes<bfloat16>(right, 4, of_right),
                               by_lanes<float>(sums, 4, of_sums)});
  Matrix out{16, 8};
  for (std::size_t lane = 0; lane < 32; ++lane)
    for (std::size_t i = 0; i < 4; ++i) out.at(of_sums(lane, i)) = got[4 * lane + i];
  return out;
}

class WarpProduct : public testing::Test {
 protected:
  void SetUp() override {
    if (cuda_device_count() == 0) GTEST_SKIP() << "no GPU: " << cuda_status();
  }
};

// One element of the left factor picks one row of the right one.
TEST_F(WarpProduct, FindsEveryElementOfTheLeftFactor) {
  const Matrix right = counted(16, 8), nothing{16, 8};
  for (std::size_t row = 0; row < 16; ++row)
    for (std::size_t k = 0; k < 16; ++k) {
      Matrix left{16, 16}, want{16, 8};
      left.at({row, k}) = 1.0F;
      for (std::size_t column = 0; column < 8; ++column) want.at({row, column}) = right.at({k, column});
      ASSERT_EQ(product(left, right, nothing).values, want.values) << row << ", " << k;
    }
}

// One element of the right factor picks one column of the left one.
TEST_F(WarpProduct, FindsEveryElementOfTheRightFactor) {
  const Matrix left = counted(16, 16), nothing{16, 8};
  for (std::size_t k = 0; k < 16; ++k)
    for (std::size_t column = 0; column < 8; ++column) {
      Matrix right{16, 8}, want{16, 8};
      right.at({k, column}) = 1.0F;
      for (std::size_t row = 0; row < 16; ++row) want.at({row, column}) = left.at({row, k});
      ASSERT_EQ(product(left, right, nothing).values, want.values) << k << ", " << column;
    }
}

TEST_F(WarpProduct, AddsToTheSums) {
  const Matrix sums = counted(16, 8);
  EXPECT_EQ(product(Matrix{16, 16}, Matrix{16, 8}, sums).values, sums.values);
}

// Products of bf16 are exact in f32. A device may cut off where it adds instead of rounding: twice epsilon for each of
// sixteen additions, of all that is added.
TEST_F(WarpProduct, IsThatOfTheMatrices) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Matrix left = random_matrix(16, 16, 3 * seed), right = random_matrix(16, 8, 3 * seed + 1),
                 sums = random_matrix(16, 8, 3 * seed + 2), got = product(left, right, sums);
    for (std::size_t row = 0; row < 16; ++row)
      for (std::size_t column = 0; column < 8; ++column) {
        double want = sums.at({row, column}), size = std::abs(want);
        for (std::size_t k = 0; k < 16; ++k) {
          const double term = double(left.at({row, k})) * right.at({k, column});
          want += term;
          size += std::abs(term);
        }
        ASSERT_NEAR(got.at({row, column}), want, 16 * 2 * test::kEpsilon * size) << row << ", " << column;
      }
  }
}

TEST_F(WarpProduct, RoundsPairsToNearestTiesToEven) {
  std::vector<float> values{0.0F,        -0.0F,         1.0F,          -3.5F,           0x1.01p0F,
                            0x1.03p0F,   0x1.010002p0F, 0x1.00fffep0F, 0x1.fffffep127F, -0x1.fffffep127F,
                            0x1.8p-130F, 0x1p-149F};
  for (const float value : test::random_values(52, 7)) values.push_back(value);
  EXPECT_TRUE(test::equal_bits(test::rounded_on_device(values), test::rounded<bfloat16>(values)));
}

}  // namespace
}  // namespace isobath
