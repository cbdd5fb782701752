#include "ops/add/add.hpp"

#include "support/op_run.hpp"

namespace isobath::test {
namespace {

const OpUnderTest kAdd = [](const std::vector<Tensor>& in) { return add(in[0], in[1]); };

TEST(Add, AddsElementwise) {
  const Leaf a = random_leaf(Shape{3, 21}, 1), b = random_leaf(Shape{3, 21}, 2);
  std::vector<float> expected;
  for (std::size_t i = 0; i < a.values.size(); ++i) expected.push_back(a.values[i] + b.values[i]);
  EXPECT_TRUE(same_bits(value_of(kAdd, {a, b}), Tensor::from(a.shape, expected)));
}

TEST(Add, GradientsMatchFiniteDifferences) {
  check_gradients(kAdd, {random_leaf(Shape{4, 5}, 3), random_leaf(Shape{4, 5}, 4)});
}

TEST(Add, ToItselfDoublesTheGradient) {
  const Leaf a = random_leaf(Shape{5}, 5);
  const auto results = run_op([](const std::vector<Tensor>& in) { return add(in[0], in[0]); }, {a});
  std::vector<double> expected = to_doubles(random_values(5, 5));
  for (double& value : expected) value *= 2.0;
  EXPECT_TRUE(close(results[1], expected, {}));
}

// Both inputs are handed the same gradient. What `left` gathers afterwards must not reach `right`.
TEST(Add, AHandedOnGradientIsNotSharedWhenMoreArrives) {
  const auto op = [](const std::vector<Tensor>& in) {
    const Tensor left = add(in[0], in[0]), right = add(in[1], in[1]);
    return add(add(left, right), left);
  };
  const std::vector<double> weights = to_doubles(random_values(6, 5));
  const auto results = run_op(op, {random_leaf(Shape{6}, 6), random_leaf(Shape{6}, 7)});
  std::vector<double> four = weights, two = weights;
  for (std::size_t i = 0; i < 6; ++i) four[i] *= 4.0, two[i] *= 2.0;
  EXPECT_TRUE(close(results[1], four, {}));
  EXPECT_TRUE(close(results[2], two, {}));
}

TEST(Add, Bf16RoundsOnce) {
  const Tensor one = Tensor::from(Shape{1}, std::vector<bfloat16>{bfloat16(1.0F)});
  const Tensor small = Tensor::from(Shape{1}, std::vector<bfloat16>{bfloat16(0x1.8p-8F)});
  EXPECT_EQ(to_doubles(add(one, small))[0], 1.0078125);  // 1 + 1.5 * 2^-8 rounds to 1 + 2^-7
}

TEST(Add, NoElements) { EXPECT_EQ(run_op(kAdd, {{Shape{0, 3}, {}}, {Shape{0, 3}, {}}})[0].shape(), (Shape{0, 3})); }

TEST(Add, BitsDoNotDependOnThreads) {
  expect_thread_independent(kAdd, {random_leaf(Shape{50001}, 8), random_leaf(Shape{50001}, 9)});
}

TEST(Add, RefusesUnequalShapes) {
  EXPECT_THROW(add(Tensor::zeros(Shape{2, 3}, DType::F32), Tensor::zeros(Shape{3, 2}, DType::F32)), InternalError);
  EXPECT_THROW(add(Tensor::zeros(Shape{2}, DType::F32), Tensor::zeros(Shape{2}, DType::BF16)), InternalError);
}

TEST(Add, MetaHasShapesOnly) { expect_meta(kAdd, {Shape{3, 4}, Shape{3, 4}}, Shape{3, 4}); }

}  // namespace
}  // namespace isobath::test
