#include "ops/swiglu/swiglu.hpp"

#include "support/op_run.hpp"

namespace isobath::test {
namespace {

const OpUnderTest kSwiglu = [](const std::vector<Tensor>& in) { return swiglu(in[0], in[1]); };

std::vector<Leaf> leaves_of(Shape shape, std::uint64_t seed, float scale) {
  return {random_leaf(shape, seed, scale), random_leaf(shape, seed + 1)};
}

double silu(double z) { return z / (1.0 + std::exp(-z)); }
double silu_slope(double z) {
  const double s = 1.0 / (1.0 + std::exp(-z));
  return s + z * s * (1.0 - s);
}

// The exponential is good to 3 epsilon, and a sum, a quotient and two products follow; where it is below 2^-126 it is
// 0.
constexpr Bound kForward{0x1p-100, 8.0 * kEpsilon};

TEST(Swiglu, EqualsTheDoubleReference) {
  for (const std::int64_t count : {0, 1, 15, 16, 17, 5000})
    for (const float scale : {1e-3F, 1.0F, 6.0F, 90.0F}) {
      const auto in = leaves_of(Shape{count}, 3, scale);
      std::vector<double> want;
      for (std::size_t i = 0; i < in[0].values.size(); ++i) want.push_back(silu(in[0].values[i]) * in[1].values[i]);
      EXPECT_TRUE(close(value_of(kSwiglu, in), want, kForward)) << count << ' ' << scale;
    }
}

TEST(Swiglu, GradientsEqualTheDoubleReference) {
  const auto in = leaves_of(Shape{10, 100}, 5, 8.0F);
  const std::vector<float> weights = random_values(1000, 5);
  std::vector<double> gate, up;
  for (std::size_t i = 0; i < 1000; ++i) {
    gate.push_back(double(weights[i]) * in[1].values[i] * silu_slope(in[0].values[i]));
    up.push_back(weights[i] * silu(in[0].values[i]));
  }
  const auto results = run_op(kSwiglu, in);
  // Near z = -1.28 the derivative vanishes: the error is one of terms below 1.
  EXPECT_TRUE(close(results[1], gate, {16.0 * kEpsilon, 0.0}));
  EXPECT_TRUE(close(results[2], up, kForward));
}

TEST(Swiglu, GradientsMatchFiniteDifferences) { check_gradients(kSwiglu, leaves_of(Shape{6, 9}, 7, 2.0F)); }

TEST(Swiglu, UnwantedGradientsAreNotComputed) {
  const auto in = leaves_of(Shape{4, 30}, 9, 3.0F);
  const auto both = run_op(kSwiglu, in);
  for (const std::size_t wanted : {0U, 1U}) {
    clear_tape();
    const LeafTensor leaf = make_leaf(in[wanted]);
    const Tensor other = Tensor::from(in[1 - wanted].shape, in[1 - wanted].values);
    Tensor out = wanted == 0 ? swiglu(leaf.value, other) : swiglu(other, leaf.value);
    backward(project({out}, random_values(120, 5)));
    EXPECT_TRUE(same_bits(leaf.gradient, both[1 + wanted]));
  }
}

TEST(Swiglu, Bf16IsRoundedOnce) {
  std::vector<bfloat16> gate, up;
  std::vector<double> want;
  const auto in = leaves_of(Shape{500}, 11, 5.0F);
  for (std::size_t i = 0; i < 500; ++i) {
    gate.emplace_back(in[0].values[i]);
    up.emplace_back(in[1].values[i]);
    want.push_back(silu(static_cast<float>(gate.back())) * static_cast<double>(static_cast<float>(up.back())));
  }
  EXPECT_TRUE(close(swiglu(Tensor::from(Shape{500}, gate), Tensor::from(Shape{500}, up)), want, {0.0, 0x1p-8}));
}

TEST(Swiglu, BitsDoNotDependOnThreads) { expect_thread_independent(kSwiglu, leaves_of(Shape{100, 333}, 13, 3.0F)); }

TEST(Swiglu, RefusesTwoShapes) {
  EXPECT_THROW(swiglu(Tensor::zeros(Shape{2, 3}, DType::F32), Tensor::zeros(Shape{3, 2}, DType::F32)), InternalError);
}

TEST(Swiglu, MetaHasShapesOnly) { expect_meta(kSwiglu, {Shape{9, 4}, Shape{9, 4}}, Shape{9, 4}); }

}  // namespace
}  // namespace isobath::test
