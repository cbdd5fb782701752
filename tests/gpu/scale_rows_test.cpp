// scale_rows on each device. One product rounded once gives equal bits everywhere; where a sum follows, the product may
// be contracted into it, and the inner product of the gate's gradient is summed in an order of the device's own.

#include "ops/scale_rows/scale_rows.hpp"

#include "gpu/bounded.hpp"
#include "gpu/placed_run.hpp"

namespace isobath {
namespace {

using namespace test;

class ScaleRows : public OnDevice {};

// K rows of C elements: none, of one element, odd, of vectors, of more vectors than lanes.
struct Case {
  std::int64_t k, c;
};
constexpr Case kCases[] = {{0, 4}, {5, 1}, {9, 7}, {8, 64}, {17, 520}, {3, 1001}};

PlacedRun run_case(const Case& shape, DType dtype, const Placement& where, std::vector<Input>& inputs) {
  inputs = {random_input(Shape{shape.k, shape.c}, 1, dtype), random_input(Shape{shape.k}, 2, DType::F32)};
  return run_placed([](const auto& in) { return scale_rows(in[0], in[1]); }, inputs, where);
}

std::vector<float> scaled(std::vector<float> values, const std::vector<float>& gates, DType dtype) {
  for (std::size_t i = 0; i < values.size(); ++i) values[i] *= gates[i / (values.size() / gates.size())];
  return rounded_to(dtype, values);
}

TEST_P(ScaleRows, MultipliesBitForBit) {
  for (const DType dtype : {DType::F32, DType::BF16})
    for (const Case& shape : kCases)
      in_every_placement(device(), [&](const Placement& where) {
        std::vector<Input> in;
        const PlacedRun run = run_case(shape, dtype, where, in);
        const std::vector<float> x = rounded_to(dtype, in[0].values), &gates = in[1].values;
        EXPECT_TRUE(equal_bits(to_floats(run.out), scaled(x, gates, dtype))) << shape.c << ", " << where;
        if (where.mode == Accumulate::Add) return;  // see the bounds below
        EXPECT_TRUE(equal_bits(to_floats(run.grads[0]), scaled(run.flows_in, gates, dtype)))
            << shape.c << ", " << where;
      });
}

TEST_P(ScaleRows, GradientsAreWithinTheirBounds) {
  for (const DType dtype : {DType::F32, DType::BF16})
    for (const Case& shape : kCases)
      in_every_placement(device(), [&](const Placement& where) {
        std::vector<Input> in;
        const PlacedRun run = run_case(shape, dtype, where, in);
        const std::vector<float> x = rounded_to(dtype, in[0].values);
        Bounded grad_x, grad_gates;
        for (std::size_t row = 0; row < in[1].values.size(); ++row) {
          double sum = 0.0, size = 0.0;
          for (std::size_t i = row * x.size() / in[1].values.size(), c = 0; c < std::size_t(shape.c); ++c, ++i) {
            const double term = double(run.flows_in[i]) * x[i], grad = double(run.flows_in[i]) * in[1].values[row];
            sum += term, size += std::abs(term);
            grad_x.append(grad, (kEpsilon + rounding_to(dtype)) * std::abs(grad));
          }
          grad_gates.append(sum, double(shape.c + 1) * kEpsilon * size);  // C products and C - 1 sums, in any order
        }
        EXPECT_TRUE(within(to_doubles(run.grads[0]), plus(grad_x, before(where), kEpsilon + rounding_to(dtype))))
            << shape.c << ", " << where;
        EXPECT_TRUE(within(to_doubles(run.grads[1]), plus(grad_gates, before(where), kEpsilon)))
            << shape.c << ", " << where;
      });
}

// Gates that nobody trains: x is not read for them.
TEST_P(ScaleRows, UnwantedGradientsAreNotComputed) {
  const Tensor gates = Tensor::from(Shape{9}, random_values(9, 2), device());
  const PlacedRun run = run_placed([&](const auto& in) { return scale_rows(in[0], gates); },
                                   {random_input(Shape{9, 7}, 1, DType::F32)}, {device()});
  EXPECT_TRUE(equal_bits(to_floats(run.grads[0]), scaled(run.flows_in, random_values(9, 2), DType::F32)));
}

ON_EVERY_DEVICE(ScaleRows);

}  // namespace
}  // namespace isobath
