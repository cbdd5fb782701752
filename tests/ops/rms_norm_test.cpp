#include "ops/rms_norm/rms_norm.hpp"

#include "support/op_run.hpp"

namespace isobath::test {
namespace {

const OpUnderTest kNorm = [](const std::vector<Tensor>& in) { return rms_norm(in[0], in[1]); };

/// Rows of `groups` groups of `width` columns.
std::vector<Leaf> leaves_of(std::int64_t rows, std::int64_t groups, std::int64_t width, std::uint64_t seed) {
  return {random_leaf(Shape{rows, groups * width}, seed), random_leaf(Shape{width}, seed + 1)};
}

/// x / root of its group, element by element.
std::vector<double> normal(const std::vector<Leaf>& in) {
  const std::size_t width = in[1].values.size();
  std::vector<double> out;
  for (std::size_t begin = 0; begin < in[0].values.size(); begin += width) {
    double squares = 0.0;
    for (std::size_t c = 0; c < width; ++c) squares += double(in[0].values[begin + c]) * in[0].values[begin + c];
    const double root = std::sqrt(squares / static_cast<double>(width) + 1e-5);
    for (std::size_t c = 0; c < width; ++c) out.push_back(in[0].values[begin + c] / root);
  }
  return out;
}

std::vector<double> reference(const std::vector<Leaf>& in) {
  std::vector<double> out = normal(in);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] *= in[1].values[i % in[1].values.size()];
  return out;
}

// A sum of up to 100 squares in sixteen lanes passes 11 roundings, of which the root keeps half; with the last steps
// fewer than 12 roundings of the value itself.
constexpr Bound kForward{0.0, 12.0 * kEpsilon};

TEST(RmsNorm, EqualsTheDoubleReference) {
  for (const std::int64_t width : {1, 7, 16, 100})
    for (const std::int64_t groups : {1, 3}) {
      const auto in = leaves_of(9, groups, width, 11);
      EXPECT_TRUE(close(value_of(kNorm, in), reference(in), kForward)) << groups << " groups of " << width;
    }
}

TEST(RmsNorm, GradientsMatchFiniteDifferences) {
  check_gradients(kNorm, leaves_of(5, 1, 24, 31));
  check_gradients(kNorm, leaves_of(4, 3, 8, 35));
  // more rows than a block of partial sums
  check_gradients(kNorm, leaves_of(kRmsNormBlockRows + 3, 1, 8, 41));
}

TEST(RmsNorm, TheGradientOfGainEqualsTheDoubleReference) {
  const auto in = leaves_of(100, 2, 10, 51);
  const std::vector<float> weights = random_values(2000, 5);
  const std::vector<double> unit = normal(in);
  std::vector<double> gain(10, 0.0);
  for (std::size_t i = 0; i < 2000; ++i) gain[i % 10] += weights[i] * unit[i];
  // 64 terms within a block and 4 blocks, sums below 64: at most 68 roundings of them, beside those of the terms
  EXPECT_TRUE(close(run_op(kNorm, in)[2], gain, {100.0 * 64.0 * kEpsilon, 0.0}));
}

TEST(RmsNorm, TheGradientIgnoresTheScaleOfAGroup) {
  const auto in = leaves_of(3, 2, 40, 61);
  const std::vector<double> gradient = to_doubles(run_op(kNorm, in)[1]);
  for (std::size_t begin = 0; begin < gradient.size(); begin += 40) {
    double along_x = 0.0;
    for (std::size_t c = begin; c < begin + 40; ++c) along_x += gradient[c] * in[0].values[c];
    // zero up to 40 roundings of terms below 4, and the epsilon beside the mean square of about 1/3
    EXPECT_NEAR(along_x, 0.0, 40.0 * 4.0 * kEpsilon + 40.0 * 1e-5 * 4.0);
  }
}

TEST(RmsNorm, Bf16IsRoundedOnce) {
  const auto in = leaves_of(6, 2, 32, 71);
  std::vector<bfloat16> narrow;
  std::vector<Leaf> rounded = in;
  for (float& value : rounded[0].values) value = static_cast<float>(narrow.emplace_back(value));
  const Tensor out = rms_norm(Tensor::from(in[0].shape, narrow), Tensor::from(in[1].shape, in[1].values));
  EXPECT_EQ(out.dtype(), DType::BF16);
  EXPECT_TRUE(close(out, reference(rounded), {0.0, 0x1p-8}));
}

TEST(RmsNorm, NoRows) {
  const auto results = run_op(kNorm, leaves_of(0, 2, 5, 81));
  EXPECT_EQ(results[0].shape(), (Shape{0, 10}));
  EXPECT_TRUE(same_bits(results[2], Tensor::zeros(Shape{5}, DType::F32)));
}

TEST(RmsNorm, BitsDoNotDependOnThreads) { expect_thread_independent(kNorm, leaves_of(777, 3, 50, 91)); }

TEST(RmsNorm, RefusesAGainThatDoesNotDivideTheRow) {
  const Tensor x = Tensor::zeros(Shape{2, 6}, DType::F32);
  EXPECT_THROW(rms_norm(x, Tensor::zeros(Shape{4}, DType::F32)), InternalError);
  EXPECT_THROW(rms_norm(x, Tensor::zeros(Shape{6}, DType::BF16)), InternalError);
}

TEST(RmsNorm, MetaHasShapesOnly) { expect_meta(kNorm, {Shape{9, 8}, Shape{4}}, Shape{9, 8}); }

}  // namespace
}  // namespace isobath::test
