#include "ops/sigmoid/sigmoid.hpp"

#include "support/op_run.hpp"

namespace isobath::test {
namespace {

const OpUnderTest kSigmoid = [](const std::vector<Tensor>& in) { return sigmoid(in[0]); };
const OpUnderTest kOpen = [](const std::vector<Tensor>& in) { return one_minus_sigmoid(in[0]); };

double reference(double x) { return 1.0 / (1.0 + std::exp(-x)); }

std::vector<float> wide_range() {
  std::vector<float> values = random_values(9999, 1, 80.0F);  // three blocks
  values.insert(values.end(), {0.0F, -0.0F, 1e-6F, 87.0F, -87.0F});
  return values;
}

// exp to 1.5 ulp (3 eps), an addition and a division: 5 roundings, and half as many again for their product.
constexpr Bound kForward{0.0, 8.0 * kEpsilon};

TEST(Sigmoid, IsAccurateRelativelyInBothTails) {
  const std::vector<float> values = wide_range();
  const Leaf x{Shape{static_cast<std::int64_t>(values.size())}, values};
  std::vector<double> closed, open;
  for (const float value : values) {
    closed.push_back(reference(value));
    open.push_back(reference(-static_cast<double>(value)));
  }
  EXPECT_TRUE(close(value_of(kSigmoid, {x}), closed, kForward));
  EXPECT_TRUE(close(value_of(kOpen, {x}), open, kForward));
}

TEST(Sigmoid, GradientIsAccurateRelativelyWhereTheGateSaturates) {
  const std::vector<float> values = wide_range();
  const Leaf x{Shape{static_cast<std::int64_t>(values.size())}, values};
  const std::vector<float> weights = random_values(x.shape.count(), 5);
  std::vector<double> expected;
  for (std::size_t i = 0; i < values.size(); ++i)
    expected.push_back(weights[i] * reference(values[i]) * reference(-static_cast<double>(values[i])));
  const Bound bound{0x1p-126, 12.0 * kEpsilon};  // twice the forward's roundings; below 2^-126 results are flushed
  EXPECT_TRUE(close(run_op(kSigmoid, {x})[1], expected, bound));
  for (double& value : expected) value = -value;
  EXPECT_TRUE(close(run_op(kOpen, {x})[1], expected, bound));
}

TEST(Sigmoid, GradientsMatchFiniteDifferences) {
  check_gradients(kSigmoid, {random_leaf(Shape{40}, 2, 3.0F)});
  check_gradients(kOpen, {random_leaf(Shape{40}, 3, 3.0F)});
}

TEST(Sigmoid, ExtremesAreExact) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const Leaf x{Shape{5}, {kInfinity, -kInfinity, 200.0F, -200.0F, std::numeric_limits<float>::quiet_NaN()}};
  const auto values = value_of(kSigmoid, {x}).to_vector<float>();
  EXPECT_EQ((std::vector<float>{values.begin(), values.begin() + 4}), (std::vector<float>{1, 0, 1, 0}));
  EXPECT_TRUE(std::isnan(values[4]));
}

TEST(Sigmoid, NoElements) { EXPECT_EQ(run_op(kSigmoid, {{Shape{0, 1}, {}}})[0].shape(), (Shape{0, 1})); }

TEST(Sigmoid, BitsDoNotDependOnThreads) {
  expect_thread_independent(kSigmoid, {random_leaf(Shape{30011}, 4, 5.0F)});
  expect_thread_independent(kOpen, {random_leaf(Shape{30011}, 5, 5.0F)});
}

TEST(Sigmoid, MetaHasShapesOnly) { expect_meta(kSigmoid, {Shape{7, 1}}, Shape{7, 1}); }

}  // namespace
}  // namespace isobath::test
