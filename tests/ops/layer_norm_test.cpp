#include "ops/layer_norm/layer_norm.hpp"

#include "support/op_run.hpp"

namespace isobath::test {
namespace {

const OpUnderTest kNorm = [](const std::vector<Tensor>& in) { return layer_norm(in[0], in[1], in[2]); };

std::vector<Leaf> leaves_of(std::int64_t rows, std::int64_t columns, std::uint64_t seed, float scale = 1.0F) {
  return {random_leaf(Shape{rows, columns}, seed, scale), random_leaf(Shape{columns}, seed + 1),
          random_leaf(Shape{columns}, seed + 2)};
}

struct Row {
  double mean = 0.0, rstd = 0.0;
};

Row statistics(const Leaf& x, std::size_t row, std::size_t columns) {
  Row result;
  double variance = 0.0;
  for (std::size_t c = 0; c < columns; ++c) result.mean += x.values[row * columns + c] / static_cast<double>(columns);
  for (std::size_t c = 0; c < columns; ++c)
    variance += std::pow(x.values[row * columns + c] - result.mean, 2.0) / static_cast<double>(columns);
  result.rstd = 1.0 / std::sqrt(variance + 1e-5);
  return result;
}

std::vector<double> reference(const std::vector<Leaf>& in) {
  const auto columns = static_cast<std::size_t>(in[1].shape.count());
  std::vector<double> out;
  for (std::size_t i = 0; i < in[0].values.size(); ++i) {
    const Row row = statistics(in[0], i / columns, columns);
    out.push_back((in[0].values[i] - row.mean) * row.rstd * in[1].values[i % columns] + in[2].values[i % columns]);
  }
  return out;
}

// The mean of up to 100 numbers below 1 in sixteen lanes passes 11 roundings of sums, the variance as many and counts
// half; with the last steps fewer than 24 roundings of numbers below 4.
constexpr Bound kForward{24.0 * 4.0 * kEpsilon, 0.0};

TEST(LayerNorm, EqualsTheDoubleReference) {
  for (const std::int64_t columns : {1, 7, 16, 100}) {
    const auto in = leaves_of(9, columns, 11);
    EXPECT_TRUE(close(value_of(kNorm, in), reference(in), kForward)) << columns << " columns";
  }
}

TEST(LayerNorm, ALargeMeanDoesNotSpoilTheVariance) {
  auto in = leaves_of(4, 64, 21);
  for (float& value : in[0].values) value += 1000.0F;
  // x itself now has ulp 2^-14: mean and difference are right to a few of those, times rstd of about 2
  EXPECT_TRUE(close(value_of(kNorm, in), reference(in), {16.0 * 1000.0 * kEpsilon, 0.0}));
}

TEST(LayerNorm, GradientsMatchFiniteDifferences) {
  check_gradients(kNorm, leaves_of(5, 24, 31));
  // more rows than a block of partial sums
  check_gradients(kNorm, leaves_of(kLayerNormBlockRows + 3, 8, 41));
}

TEST(LayerNorm, ParameterGradientsEqualTheDoubleReference) {
  const auto in = leaves_of(200, 10, 51);
  const std::vector<float> weights = random_values(2000, 5);
  std::vector<double> gain(10, 0.0), shift(10, 0.0);
  for (std::size_t i = 0; i < 2000; ++i) {
    const Row row = statistics(in[0], i / 10, 10);
    gain[i % 10] += weights[i] * (in[0].values[i] - row.mean) * row.rstd;
    shift[i % 10] += weights[i];
  }
  const auto results = run_op(kNorm, in);
  // 64 terms within a block and 4 blocks, sums below 64: at most 68 roundings of them, beside those of the terms
  EXPECT_TRUE(close(results[2], gain, {100.0 * 64.0 * kEpsilon, 0.0}));
  EXPECT_TRUE(close(results[3], shift, {68.0 * 64.0 * kEpsilon, 0.0}));
}

TEST(LayerNorm, TheGradientIgnoresShiftAndScaleOfARow) {
  const auto in = leaves_of(3, 40, 61);
  const std::vector<double> gradient = to_doubles(run_op(kNorm, in)[1]);
  for (std::size_t row = 0; row < 3; ++row) {
    double along_ones = 0.0, along_x = 0.0;
    const Row stats = statistics(in[0], row, 40);
    for (std::size_t c = 0; c < 40; ++c) {
      along_ones += gradient[row * 40 + c];
      along_x += gradient[row * 40 + c] * (in[0].values[row * 40 + c] - stats.mean);
    }
    // zero up to 40 roundings of terms below 4 (and, along x, the epsilon beside the variance of about 1/3)
    EXPECT_NEAR(along_ones, 0.0, 40.0 * 4.0 * kEpsilon);
    EXPECT_NEAR(along_x, 0.0, 40.0 * 4.0 * kEpsilon + 40.0 * 1e-5 * 4.0);
  }
}

TEST(LayerNorm, UnwantedGradientsAreNotComputed) {
  const LeafTensor gain = make_leaf(random_leaf(Shape{6}, 71));
  const Tensor x = Tensor::from(Shape{3, 6}, random_values(18, 72)), shift = Tensor::zeros(Shape{6}, DType::F32);
  Tensor out = layer_norm(x, gain.value, shift);
  backward(project({out}, random_values(18, 73)));
  EXPECT_TRUE(std::isfinite(norm(to_doubles(gain.gradient))));
}

TEST(LayerNorm, AConstantRowIsTheShift) {
  const Leaf x{Shape{1, 3}, {2.0F, 2.0F, 2.0F}};
  const Leaf gain{Shape{3}, {1, 2, 3}}, shift{Shape{3}, {4, 5, 6}};
  EXPECT_TRUE(close(value_of(kNorm, {x, gain, shift}), {4, 5, 6}, {}));
}

TEST(LayerNorm, NoRows) {
  const auto results = run_op(kNorm, leaves_of(0, 5, 81));
  EXPECT_EQ(results[0].shape(), (Shape{0, 5}));
  EXPECT_TRUE(same_bits(results[2], Tensor::zeros(Shape{5}, DType::F32)));
  EXPECT_TRUE(same_bits(results[3], Tensor::zeros(Shape{5}, DType::F32)));
}

TEST(LayerNorm, BitsDoNotDependOnThreads) { expect_thread_independent(kNorm, leaves_of(777, 50, 91)); }

TEST(LayerNorm, RefusesParametersOfAnotherWidth) {
  const Tensor x = Tensor::zeros(Shape{2, 3}, DType::F32), wrong = Tensor::zeros(Shape{2}, DType::F32);
  EXPECT_THROW(layer_norm(x, wrong, wrong), InternalError);
}

TEST(LayerNorm, MetaHasShapesOnly) { expect_meta(kNorm, {Shape{9, 4}, Shape{4}, Shape{4}}, Shape{9, 4}); }

}  // namespace
}  // namespace isobath::test
