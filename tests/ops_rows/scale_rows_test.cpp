#include "ops/scale_rows/scale_rows.hpp"

#include "support/op_run.hpp"

namespace isobath::test {
namespace {

const OpUnderTest kScale = [](const std::vector<Tensor>& in) { return scale_rows(in[0], in[1]); };

TEST(ScaleRows, MultipliesEachRowByItsGate) {
  const Leaf x = random_leaf(Shape{5, 19}, 1), gates = random_leaf(Shape{5, 1}, 2);
  const Tensor out = value_of(kScale, {x, gates});
  for (std::size_t i = 0; i < x.values.size(); ++i)
    EXPECT_EQ(out.view<float>()[static_cast<std::int64_t>(i)], gates.values[i / 19] * x.values[i]);
}

TEST(ScaleRows, AGateOfOneKeepsTheBits) {
  const Leaf x = random_leaf(Shape{5, 19}, 3);
  EXPECT_TRUE(
      same_bits(value_of(kScale, {x, {Shape{5}, std::vector<float>(5, 1.0F)}}), Tensor::from(x.shape, x.values)));
}

TEST(ScaleRows, GradientsMatchFiniteDifferences) {
  check_gradients(kScale, {random_leaf(Shape{6, 20}, 4), random_leaf(Shape{6}, 5)});
  check_gradients(kScale, {random_leaf(Shape{3, 1}, 6), random_leaf(Shape{3, 1}, 7)});
}

TEST(ScaleRows, GateGradientIsTheInnerProduct) {
  const Leaf x = random_leaf(Shape{3, 200}, 8), gates = random_leaf(Shape{3}, 9);
  const std::vector<float> weights = random_values(600, 5);
  std::vector<double> expected(3, 0.0);
  for (std::size_t i = 0; i < 600; ++i) expected[i / 200] += static_cast<double>(weights[i]) * x.values[i];
  // 200 terms below 1, summed in sixteen lanes: at most 200 / 16 + 4 + 1 roundings of partial sums below 200
  EXPECT_TRUE(close(run_op(kScale, {x, gates})[2], expected, {18.0 * kEpsilon * 200.0, 0.0}));
}

TEST(ScaleRows, IsAdjointInX) {
  const Tensor gates = Tensor::from(Shape{4}, random_values(4, 10));
  expect_adjoint([&](const std::vector<Tensor>& in) { return scale_rows(in[0], gates); },
                 random_leaf(Shape{4, 90}, 11));
}

TEST(ScaleRows, NoRows) {
  const auto results = run_op(kScale, {{Shape{0, 4}, {}}, {Shape{0}, {}}});
  EXPECT_EQ(results[0].shape(), (Shape{0, 4}));
}

TEST(ScaleRows, BitsDoNotDependOnThreads) {
  expect_thread_independent(kScale, {random_leaf(Shape{501, 70}, 12), random_leaf(Shape{501}, 13)});
}

TEST(ScaleRows, RefusesAnotherNumberOfGates) {
  EXPECT_THROW(scale_rows(Tensor::zeros(Shape{3, 2}, DType::F32), Tensor::zeros(Shape{2}, DType::F32)), InternalError);
}

TEST(ScaleRows, MetaHasShapesOnly) { expect_meta(kScale, {Shape{3, 4}, Shape{3}}, Shape{3, 4}); }

}  // namespace
}  // namespace isobath::test
