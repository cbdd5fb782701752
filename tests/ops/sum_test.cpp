#include "ops/sum/sum.hpp"

#include "ops/sum_of_squares/sum_of_squares.hpp"
#include "support/op_run.hpp"

namespace isobath::test {
namespace {

OpUnderTest summed(float scale, float unit) {
  return [scale, unit = Tensor::from(Shape{1}, std::vector<float>{unit})](const std::vector<Tensor>& in) {
    return sum(in[0], scale, unit);
  };
}

double squares_of(const std::vector<float>& values) {
  const Tensor out = Tensor::zeros(Shape{1}, DType::F64);
  sum_of_squares(Tensor::from(Shape{static_cast<std::int64_t>(values.size())}, values), out);
  return out.to_vector<double>()[0];
}

TEST(Sum, AccumulatesInDouble) {
  // 2^24 + 1 + 1 is 2^24 in f32, whichever way it is added one by one.
  std::vector<float> values(10001, 1.0F);
  values[0] = 0x1p24F;
  EXPECT_EQ(value_of(summed(1.0F, 1.0F), {{Shape{10001}, values}}).to_vector<float>()[0], 16787216.0F);
}

TEST(Sum, MultipliesByScaleAndUnit) {
  const Leaf x = random_leaf(Shape{3, 5}, 1);
  double expected = 0.0;
  for (const float value : x.values) expected += value;
  // f64 until the result is rounded once
  EXPECT_TRUE(
      close(value_of(summed(0.25F, 0.3F), {x}), {expected * 0.25 * static_cast<double>(0.3F)}, {1e-12, kEpsilon}));
}

TEST(Sum, GradientMatchesFiniteDifferences) { check_gradients(summed(2.0F, 0.3F), {random_leaf(Shape{4, 5}, 2)}); }

TEST(Sum, IsAdjointToItsGradient) { expect_adjoint(summed(1.5F, 0.5F), random_leaf(Shape{9001}, 3)); }

TEST(Sum, NoElementsSumToZero) {
  EXPECT_EQ(run_op(summed(1.0F, 1.0F), {{Shape{0, 3}, {}}})[0].to_vector<float>()[0], 0.0F);
}

TEST(Sum, BitsDoNotDependOnThreads) { expect_thread_independent(summed(1.0F, 0.1F), {random_leaf(Shape{70001}, 4)}); }

TEST(Sum, MetaHasShapesOnly) {
  const Tensor unit = Tensor::empty(Shape{1}, DType::F32, Device::meta());
  expect_meta([unit](const std::vector<Tensor>& in) { return sum(in[0], 1.0F, unit); }, {Shape{3, 4}}, Shape{1});
}

TEST(SumOfSquares, EqualsTheDoubleReference) {
  const std::vector<float> values = random_values(70001, 5);
  double expected = 0.0;
  for (const float value : values) expected += static_cast<double>(value) * value;
  // all in f64: the orders of 70001 additions differ by no more than their roundings
  EXPECT_TRUE(close({squares_of(values)}, {expected}, {0.0, 70001 * 0x1p-53}));
}

TEST(SumOfSquares, SurvivesWhatOverflowsF32) { EXPECT_EQ(squares_of({0x1p100F, 0.0F}), 0x1p200); }

TEST(SumOfSquares, PassesNonFiniteValuesOn) {
  EXPECT_TRUE(std::isnan(squares_of({1.0F, std::numeric_limits<float>::quiet_NaN()})));
  EXPECT_TRUE(std::isinf(squares_of({1.0F, -std::numeric_limits<float>::infinity()})));
}

TEST(SumOfSquares, NoElements) { EXPECT_EQ(squares_of({}), 0.0); }

TEST(SumOfSquares, BitsDoNotDependOnThreads) {
  const std::vector<float> values = random_values(70001, 6);
  const ThreadScope one(1);
  const double expected = squares_of(values);
  for (const int threads : {2, 3}) {
    const ThreadScope scope(threads);
    EXPECT_EQ(squares_of(values), expected) << threads;
  }
}

}  // namespace
}  // namespace isobath::test
