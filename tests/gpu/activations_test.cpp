// gelu, sigmoid and swiglu on each device, against double precision. Every device computes them by the formulas of
// vector_math.hpp, but contracts products into sums as it likes: the bounds are those of the CPU's tests.

#include "gpu/bounded.hpp"
#include "gpu/placed_run.hpp"
#include "ops/gelu/gelu.hpp"
#include "ops/sigmoid/sigmoid.hpp"
#include "ops/swiglu/swiglu.hpp"
#include "ops_dense/exact_gelu.hpp"

namespace isobath {
namespace {

using namespace test;

class Activations : public OnDevice {};

// No element, fewer than a vector, vectors and a remainder, more than a block.
constexpr std::int64_t kCounts[] = {0, 1, 7, 64, 1003, 5000};

template <class Body>
void in_every_case(Device device, Body&& body) {
  for (const std::int64_t count : kCounts)
    in_every_placement(device, [&](const Placement& where) { body(count, where); });
}

Exact row_of(const std::vector<float>& values) {
  Exact out(1, static_cast<std::int64_t>(values.size()));
  out.value = to_doubles(values);
  return out;
}

Exact stored(const Exact& value, DType dtype) {
  return dtype == DType::BF16 ? rounded(value, rounding_to(dtype)) : value;
}

TEST_P(Activations, Gelu) {
  for (const DType dtype : {DType::F32, DType::BF16})
    in_every_case(device(), [dtype](std::int64_t count, const Placement& where) {
      const Input in = random_input(Shape{count}, 1, dtype, 6.0F);
      const PlacedRun run = run_placed([](const auto& inputs) { return gelu(inputs[0]); }, {in}, where);
      const Exact x = row_of(rounded_to(dtype, in.values));
      EXPECT_TRUE(within(run.out, stored(gelu_of(x), dtype))) << count << ", " << where;
      Exact grad = elementwise_product(row_of(run.flows_in), stored(gelu_slope_of(x), dtype));
      if (where.mode == Accumulate::Add) grad = sum(grad, row_of({kBefore}));
      EXPECT_TRUE(within(run.grads[0], stored(grad, dtype))) << count << ", " << where;
    });
}

TEST_P(Activations, GeluKeepsNoSlopeThatNobodyWants) {
  const Tensor x = Tensor::from(Shape{40}, random_values(40, 1), device());
  EXPECT_TRUE(within(gelu(x), gelu_of(row_of(random_values(40, 1)))));
}

double sigmoid_of(double x) { return 1.0 / (1.0 + std::exp(-x)); }

TEST_P(Activations, SigmoidAndItsComplement) {
  for (const double sign : {1.0, -1.0})
    in_every_case(device(), [sign](std::int64_t count, const Placement& where) {
      const Input in = random_input(Shape{count}, 2, DType::F32, 80.0F);
      const PlacedRun run = run_placed(
          [sign](const auto& x) { return sign > 0.0 ? sigmoid(x[0]) : one_minus_sigmoid(x[0]); }, {in}, where);
      Bounded value, grad;
      for (std::size_t i = 0; i < in.values.size(); ++i) {
        const double x = in.values[i], at = sigmoid_of(sign * x),
                     slope = sign * run.flows_in[i] * sigmoid_of(x) * sigmoid_of(-x);
        value.append(at, 8.0 * kEpsilon * at);  // exp to 3 eps, a sum and a quotient, half as many for their product
        grad.append(slope, 12.0 * kEpsilon * std::abs(slope) + 0x1p-126);  // what is below 2^-126 is flushed
      }
      EXPECT_TRUE(within(to_doubles(run.out), value)) << count << ", " << where;
      EXPECT_TRUE(within(to_doubles(run.grads[0]), plus(grad, before(where), kEpsilon))) << count << ", " << where;
    });
}

TEST_P(Activations, SigmoidOfExtremesIsExact) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const Tensor x = Tensor::from(Shape{4}, std::vector<float>{kInfinity, -kInfinity, 200.0F, -200.0F}, device());
  EXPECT_EQ(sigmoid(x).to_vector<float>(), (std::vector<float>{1, 0, 1, 0}));
}

TEST_P(Activations, Swiglu) {
  for (const DType dtype : {DType::F32, DType::BF16})
    in_every_case(device(), [dtype](std::int64_t count, const Placement& where) {
      const std::vector<Input> in{random_input(Shape{count}, 3, dtype, 8.0F), random_input(Shape{count}, 4, dtype)};
      const PlacedRun run = run_placed([](const auto& x) { return swiglu(x[0], x[1]); }, in, where);
      const std::vector<float> gate = rounded_to(dtype, in[0].values), up = rounded_to(dtype, in[1].values);
      const double rounding = dtype == DType::BF16 ? rounding_to(dtype) : 0.0;
      Bounded value, of_gate, of_up;
      for (std::size_t i = 0; i < gate.size(); ++i) {
        const double z = gate[i], s = sigmoid_of(z), g = run.flows_in[i];
        const double out = z * s * up[i], d_gate = g * up[i] * (s + z * s * (1.0 - s)), d_up = g * z * s;
        // as for the sigmoid, with two products more; near z = -1.28 the slope vanishes: its error is one of terms
        // below 1
        value.append(out, (8.0 * kEpsilon + rounding) * std::abs(out));
        of_gate.append(d_gate, 16.0 * kEpsilon + rounding * std::abs(d_gate));
        of_up.append(d_up, (8.0 * kEpsilon + rounding) * std::abs(d_up));
      }
      EXPECT_TRUE(within(to_doubles(run.out), value)) << count << ", " << where;
      const double once_more = kEpsilon + rounding;
      EXPECT_TRUE(within(to_doubles(run.grads[0]), plus(of_gate, before(where), once_more))) << count << ", " << where;
      EXPECT_TRUE(within(to_doubles(run.grads[1]), plus(of_up, before(where), once_more))) << count << ", " << where;
    });
}

TEST_P(Activations, SwigluComputesOnlyWantedGradients) {
  const std::vector<Input> in{random_input(Shape{37}, 3, DType::F32), random_input(Shape{37}, 4, DType::F32)};
  const PlacedRun both = run_placed([](const auto& x) { return swiglu(x[0], x[1]); }, in, {device()});
  for (const std::size_t wanted : {0U, 1U}) {
    const Tensor other = Tensor::from(Shape{37}, in[1 - wanted].values, device());
    const PlacedRun one =
        run_placed([&](const auto& x) { return wanted == 0 ? swiglu(x[0], other) : swiglu(other, x[0]); }, {in[wanted]},
                   {device()});
    EXPECT_TRUE(equal_bits(to_floats(one.grads[0]), to_floats(both.grads[wanted])));
  }
}

ON_EVERY_DEVICE(Activations);

}  // namespace
}  // namespace isobath
