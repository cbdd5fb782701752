// rms_norm and its gradients on each device, against double precision and the bound on any f32 evaluation that follows
// the same formulas; the rules are those of layer_norm_reference.hpp, of which this is the simpler case.

#include "ops/rms_norm/rms_norm.hpp"

#include "gpu/bounded.hpp"
#include "gpu/placed_run.hpp"

namespace isobath {
namespace {

using namespace test;

class RmsNorm : public OnDevice {};

constexpr double u = kEpsilon;

// N rows of H groups of G elements.
struct Case {
  std::int64_t n, h, g;
};
// Groups of one element, odd, of few vectors; as many as a warp takes, and more; more than a block has threads. More
// groups than make a partial sum; none.
constexpr Case kCases[] = {{0, 2, 4},  {3, 1, 1},   {5, 3, 7},    {70, 2, 8},   {9, 1, 64},
                           {2, 2, 65}, {33, 3, 40}, {2, 1, 1100}, {1, 1, 4096}, {140, 1, 16}};

struct Types {
  DType in, out;
};
constexpr Types kTypes[] = {{DType::F32, DType::F32}, {DType::F32, DType::BF16}, {DType::BF16, DType::BF16}};

struct Reference {
  Bounded out, grad_x, grad_gain;
};

/// One group, from element `begin` on, with the rounding of the results' types.
void add_group(const std::vector<float>& x, const std::vector<float>& gain, const std::vector<float>& grad,
               std::size_t begin, const Types& types, double groups, Reference& to) {
  const double count = static_cast<double>(gain.size());
  const auto rounding = [](DType dtype) { return dtype == DType::BF16 ? rounding_to(dtype) : 0.0; };
  double squares = 0.0;
  for (std::size_t c = 0; c < gain.size(); ++c) squares += double(x[begin + c]) * x[begin + c];
  const double scale = 1.0 / std::sqrt(squares / count + double(kRmsNormEpsilon)), off = (count + 8.0) * u / 2 + 4 * u;
  double dn_sum = 0.0, dn_size = 0.0;
  for (std::size_t c = 0; c < gain.size(); ++c) {
    const double n = x[begin + c] * scale, g = grad[begin + c], dn = g * gain[c] * n;
    to.out.append(n * gain[c], std::abs(n * gain[c]) * (off + 2 * u + rounding(types.out)));
    dn_sum += dn, dn_size += std::abs(dn);
    to.grad_gain.value[c] += g * n;
    to.grad_gain.error[c] += std::abs(g * n) * (off + (groups + 10.0) * u);
  }
  const double average = dn_sum / count, average_error = dn_size / count * (off + (count + 10.0) * u);
  for (std::size_t c = 0; c < gain.size(); ++c) {
    const double n = x[begin + c] * scale, d = double(grad[begin + c]) * gain[c], inner = d - n * average;
    const double inner_error =
        std::abs(n) * average_error + std::abs(n * average) * (off + 4 * u) + 3 * u * std::abs(d);
    to.grad_x.append(scale * inner, scale * (inner_error + std::abs(inner) * (off + 2 * u)) +
                                        rounding(types.in) * std::abs(scale * inner));
  }
}

void expect_case(const Case& shape, const Types& types, const Placement& where) {
  const std::vector<Input> in{random_input(Shape{shape.n, shape.h * shape.g}, 1, types.in, 2.0F),
                              random_input(Shape{shape.g}, 2, DType::F32)};
  const PlacedRun run =
      run_placed([&](const auto& inputs) { return rms_norm(inputs[0], inputs[1], types.out); }, in, where);
  const std::vector<float> x = rounded_to(types.in, in[0].values);
  const auto columns = static_cast<std::size_t>(shape.g);
  Reference want;
  want.grad_gain = {std::vector<double>(columns), std::vector<double>(columns)};
  for (std::size_t begin = 0; begin < x.size(); begin += columns)
    add_group(x, in[1].values, run.flows_in, begin, types, static_cast<double>(shape.n * shape.h), want);
  const std::string what = text(shape.n, " rows of ", shape.h, " groups of ", shape.g, ", ", where);
  EXPECT_TRUE(within(to_doubles(run.out), want.out)) << what;
  const double once_more = u + rounding_to(types.in);
  EXPECT_TRUE(within(to_doubles(run.grads[0]), plus(want.grad_x, before(where), once_more))) << what;
  EXPECT_TRUE(within(to_doubles(run.grads[1]), plus(want.grad_gain, before(where), u))) << what;
}

TEST_P(RmsNorm, IsWithinItsBounds) {
  for (const Types& types : kTypes)
    for (const Case& shape : kCases)
      in_every_placement(device(), [&](const Placement& where) { expect_case(shape, types, where); });
}

TEST_P(RmsNorm, UnwantedGradientsAreNotComputed) {
  const std::vector<Input> in{random_input(Shape{70, 24}, 1, DType::F32), random_input(Shape{12}, 2, DType::F32)};
  const PlacedRun both = run_placed([](const auto& x) { return rms_norm(x[0], x[1]); }, in, {device()});
  const Tensor x = Tensor::from(in[0].shape, in[0].values, device()),
               gain = Tensor::from(in[1].shape, in[1].values, device());
  const PlacedRun of_x = run_placed([&](const auto& inputs) { return rms_norm(inputs[0], gain); }, {in[0]}, {device()});
  const PlacedRun of_gain = run_placed([&](const auto& inputs) { return rms_norm(x, inputs[0]); }, {in[1]}, {device()});
  EXPECT_TRUE(equal_bits(to_floats(of_x.grads[0]), to_floats(both.grads[0])));
  EXPECT_TRUE(equal_bits(to_floats(of_gain.grads[0]), to_floats(both.grads[1])));
}

ON_EVERY_DEVICE(RmsNorm);

}  // namespace
}  // namespace isobath
