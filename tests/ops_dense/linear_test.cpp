// linear forward and backward against double precision, over shapes that are ragged, empty, single and large enough for
// panels; accumulation, thread counts, memory and FLOPs.
#include "ops/linear/linear.hpp"

#include <gtest/gtest.h>

#include "ops/core/threads.hpp"
#include "ops_dense/linear_reference.hpp"

namespace isobath {
namespace {

using test::Exact;
using test::LinearCase;

constexpr Activation kActivations[] = {Activation::None, Activation::Gelu, Activation::Relu};

// Small integers, so that products and sums are exact and Relu's step is where it should be.
std::vector<float> integers(std::int64_t count, std::uint64_t seed) {
  std::vector<float> values = test::random_values(count, seed, 3.0F);
  for (float& value : values) value = std::round(value);
  return values;
}

struct Inputs {
  std::vector<float> x, weight, bias, grad_out;

  explicit Inputs(const LinearCase& c) {
    const auto draw = [&](std::int64_t count, std::uint64_t seed) {
      return c.activation == Activation::Relu ? integers(count, seed) : test::random_values(count, seed);
    };
    x = draw(c.rows * c.in, 1);
    weight = draw(c.out * c.in, 2);
    bias = draw(c.out, 3);
    grad_out = draw(c.rows * c.out, 4);
  }
};

test::LinearReference reference_of(const LinearCase& c, const Inputs& in) {
  const auto exact = [](std::int64_t rows, std::int64_t columns, const std::vector<float>& values) {
    return test::exact(Tensor::from(Shape{rows, columns}, values));
  };
  return test::LinearReference::of(c, exact(c.rows, c.in, in.x), exact(c.out, c.in, in.weight),
                                   exact(1, c.out, in.bias), exact(c.rows, c.out, in.grad_out));
}

// Twice what one use gives: the second use adds to the first, as one longer sum would.
Exact twice(const Exact& once, std::int64_t depth) { return test::sum(once, once, static_cast<double>(depth) + 1); }

void check(const LinearCase& c) {
  SCOPED_TRACE(
      text(c.rows, 'x', c.in, " -> ", c.out, " activation ", static_cast<int>(c.activation), " bias ", c.has_bias));
  const Inputs in(c);
  const test::LinearReference want = reference_of(c, in);
  const test::LinearRun once = test::run_linear(c, in.x, in.weight, in.bias, in.grad_out);
  EXPECT_TRUE(test::within(once.out, want.out));
  EXPECT_TRUE(test::within(once.x.gradient, want.grad_x));
  EXPECT_TRUE(test::within(once.weight.gradient, want.grad_weight));
  if (c.has_bias) {
    EXPECT_TRUE(test::within(once.bias.gradient, want.grad_bias));
  }

  const test::LinearRun two = test::run_linear(c, in.x, in.weight, in.bias, in.grad_out, 2);
  EXPECT_TRUE(test::within(two.x.gradient, twice(want.grad_x, c.out)));
  EXPECT_TRUE(test::within(two.weight.gradient, twice(want.grad_weight, c.rows)));
  if (c.has_bias) {
    EXPECT_TRUE(test::within(two.bias.gradient, twice(want.grad_bias, c.rows)));
  }
}

void check_shapes(std::initializer_list<LinearCase> shapes) {
  for (const Activation activation : kActivations)
    for (LinearCase c : shapes)
      for (const bool has_bias : {true, false}) {
        c.activation = activation;
        c.has_bias = has_bias;
        check(c);
      }
}

TEST(Linear, SmallShapes) { check_shapes({{1, 1, 1}, {1, 7, 5}, {3, 1, 4}, {17, 33, 9}, {64, 16, 48}, {65, 20, 31}}); }
TEST(Linear, NoRows) { check_shapes({{0, 5, 7}, {0, 5, 1}}); }
TEST(Linear, OneOutput) { check_shapes({{1, 1, 1}, {1, 40, 1}, {63, 17, 1}, {200, 65, 1}}); }
TEST(Linear, RowsInPanels) { check_shapes({{257, 12, 20}, {1700, 10, 17}}); }

TEST(Linear, RowsInPanelsOfSeveralThreads) {
  const int before = kernel_threads();
  for (const int threads : {2, 3}) {
    set_kernel_threads(threads);
    check({900, 8, 5, Activation::Gelu});
    check({130, 9, 40, Activation::Relu});
    check({400, 9, 17, Activation::None, false});
    check({300, 17, 1, Activation::Gelu});
  }
  set_kernel_threads(before);
}

TEST(Linear, FiniteDifferences) {
  for (const Activation activation : {Activation::None, Activation::Gelu})
    for (const std::int64_t out : {1, 6}) {
      const auto op = [activation](const std::vector<Tensor>& in) { return linear(in[0], in[1], in[2], activation); };
      test::check_gradients(
          op, {test::random_leaf({7, 5}, 11), test::random_leaf({out, 5}, 12), test::random_leaf({out}, 13)});
    }
}

// <dy, W x> = <W^T dy, x> to within the error bounds of both sides.
TEST(Linear, AdjointLaw) {
  const LinearCase c{300, 40, 50, Activation::None, false};
  const Inputs in(c);
  const test::LinearReference bounds = reference_of(c, in);
  const test::LinearRun run = test::run_linear(c, in.x, in.weight, in.bias, in.grad_out);
  double bound = 0.0;
  for (std::size_t i = 0; i < in.grad_out.size(); ++i) bound += std::abs(in.grad_out[i]) * bounds.out.error[i];
  for (std::size_t i = 0; i < in.x.size(); ++i) bound += std::abs(in.x[i]) * bounds.grad_x.error[i];
  const double left = test::dot(test::to_doubles(in.grad_out), test::to_doubles(run.out));
  const double right = test::dot(test::to_doubles(run.x.gradient), test::to_doubles(in.x));
  EXPECT_LE(test::error_ratio(left, right, {bound, 0.0}), 1.0) << left << ' ' << right << ' ' << bound;
  EXPECT_LT(bound, 0.01 * std::abs(left));  // or the law says nothing
}

// One of input and weight is frozen: half the backward work, and the other's gradient is right.
TEST(Linear, GradientsThatNobodyWantsAreNotComputed) {
  const LinearCase c{70, 12, 9, Activation::Gelu};
  const Inputs in(c);
  const test::LinearReference want = reference_of(c, in);
  const test::LeafTensor x = test::make_leaf(Shape{c.rows, c.in}, in.x);
  const test::LeafTensor weight = test::make_leaf(Shape{c.out, c.in}, in.weight);
  const Tensor bias = Tensor::from(Shape{c.out}, in.bias);
  const auto backward_flops = [&](const Tensor& input, const Tensor& by) {
    const std::int64_t before = ledger().backward();
    backward(test::project({linear(input, by, bias, c.activation)}, in.grad_out));
    return ledger().backward() - before;
  };
  EXPECT_EQ(backward_flops(x.value.detached(), weight.value), 2 * c.rows * c.in * c.out);
  EXPECT_TRUE(test::within(weight.gradient, want.grad_weight));
  EXPECT_EQ(backward_flops(x.value, weight.value.detached()), 2 * c.rows * c.in * c.out);
  EXPECT_TRUE(test::within(x.gradient, want.grad_x));
}

TEST(Linear, RefusesWhatDoesNotFit) {
  const Tensor x = Tensor::zeros({3, 4}, DType::F32), weight = Tensor::zeros({5, 4}, DType::F32);
  EXPECT_THROW(linear(x, Tensor::zeros({5, 3}, DType::F32), Tensor()), InternalError);
  EXPECT_THROW(linear(x, Tensor::zeros({5, 4}, DType::BF16), Tensor()), InternalError);
  EXPECT_THROW(linear(x, weight, Tensor::zeros({4}, DType::F32)), InternalError);
  EXPECT_THROW(linear(x.reshaped({12}), weight, Tensor()), InternalError);
}

}  // namespace
}  // namespace isobath
