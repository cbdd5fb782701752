#pragma once
// Gradients against finite differences along random directions.
//
// The op's output is projected on fixed random weights w with a sum in double, phi(x) = sum_i w_i out_i(x), and phi is
// compared along a random direction v with the fourth-order central difference
//   D = [8 (phi(x + h v) - phi(x - h v)) - (phi(x + 2h v) - phi(x - 2h v))] / 12 h.
// Its error has two parts, with M the largest |out| (at least 1) and |w| the Euclidean norm of the projection:
//   rounding:    1.5 / h * 6 * roundings * eps * M * |w|: 18/12 errors of phi, each six standard deviations of
//                independent output errors of `roundings` roundings;
//   truncation:  h^4 / 30 * 5! / radius^5 * M * |w|: Cauchy's estimate of the fifth derivative of a function that is
//                analytic within `radius` along v.
// h = radius * (roundings * eps)^(1/5) balances them. The perturbed points are rounded to f32; the analytic derivative
// is taken along the direction that was really walked. A bound that exceeds 1/20 of |gradient| * rms(v) could hide a
// wrong gradient and fails as blunt.

#include <functional>
#include <string>
#include <vector>

#include "ops/autograd/tape.hpp"
#include "support/compare.hpp"

namespace isobath::test {

/// An f32 input that is to have a gradient.
struct Leaf {
  Shape shape;
  std::vector<float> values;
};

inline Leaf random_leaf(Shape shape, std::uint64_t seed, float scale = 1.0F) {
  return {shape, random_values(shape.count(), seed, scale)};
}

/// The op under test as a function of its differentiable inputs; other arguments are captured.
using OpUnderTest = std::function<Tensor(const std::vector<Tensor>& inputs)>;

struct GradCheck {
  int directions = 3;      ///< per leaf
  double roundings = 8.0;  ///< f32 roundings between an input and an output; sums count by the root of their length
  double radius = 1.0;     ///< distance along a direction with |v_i| <= 1 within which the op is analytic
  std::uint64_t seed = 1;
};

/// A leaf tensor whose gradient gathers in `gradient`, which starts as NaN: what backward forgets to write is seen.
struct LeafTensor {
  Tensor value;
  Tensor gradient;
};

inline LeafTensor make_leaf(const Shape& shape, const std::vector<float>& values, Device device = Device::cpu()) {
  const std::vector<float> unwritten(values.size(), std::numeric_limits<float>::quiet_NaN());
  LeafTensor leaf{Tensor::from(shape, values, device), Tensor::from(shape, unwritten, device)};
  leaf.value.set_grad_slot(std::make_shared<GradSlot>(leaf.gradient));
  return leaf;
}

inline LeafTensor make_leaf(const Leaf& leaf, Device device = Device::cpu()) {
  return make_leaf(leaf.shape, leaf.values, device);
}

/// w with the dtype, shape and device of `like`: what flows into the op's output backward.
inline Tensor weights_like(const Tensor& like, const std::vector<float>& weights) {
  if (like.dtype() == DType::F32) return Tensor::from(like.shape(), weights, like.device());
  std::vector<bfloat16> narrow;
  for (const float weight : weights) narrow.emplace_back(weight);
  return Tensor::from(like.shape(), narrow, like.device());
}

/// sum_k sum_i weights_i * outputs[k]_i as a scalar of the tape, whose gradient into every output is exactly `weights`.
inline Tensor project(const std::vector<Tensor>& outputs, const std::vector<float>& weights) {
  double sum = 0.0;
  for (const Tensor& output : outputs) sum += dot(to_doubles(output), to_doubles(weights));
  Tensor total = Tensor::from(Shape{1}, std::vector<float>{static_cast<float>(sum)}, outputs[0].device());
  require(outputs.size() == 1 || outputs.size() == 2, "project takes one or two outputs");
  const auto backward = [weights, outputs](const Tensor&, const InputGrads& inputs) {
    for (std::size_t k = 0; k < outputs.size(); ++k) inputs.add(k, weights_like(outputs[k], weights));
  };
  if (outputs.size() == 1)
    record("project", {&outputs[0]}, total, backward);
  else
    record("project", {&outputs[0], &outputs[1]}, total, backward);
  return total;
}

/// Gradients of phi with respect to every leaf. With `uses` 2 the op runs twice on the same leaves, so that the second
/// contribution has to be added to the first.
inline std::vector<std::vector<double>> gradients_of(const OpUnderTest& op, const std::vector<Leaf>& leaves,
                                                     const std::vector<float>& weights, int uses = 1) {
  clear_tape();
  std::vector<LeafTensor> tensors;
  std::vector<Tensor> inputs, outputs;
  for (const Leaf& leaf : leaves) inputs.push_back(tensors.emplace_back(make_leaf(leaf)).value);
  for (int use = 0; use < uses; ++use) outputs.push_back(op(inputs));
  backward(project(outputs, weights));
  std::vector<std::vector<double>> gradients;
  for (const LeafTensor& tensor : tensors) gradients.push_back(to_doubles(tensor.gradient));
  return gradients;
}

/// The op's output without recording.
inline Tensor value_of(const OpUnderTest& op, const std::vector<Leaf>& leaves) {
  const NoGrad scope;
  std::vector<Tensor> inputs;
  for (const Leaf& leaf : leaves) inputs.push_back(Tensor::from(leaf.shape, leaf.values));
  return op(inputs);
}

/// x + step * direction, rounded to f32.
inline std::vector<Leaf> moved(std::vector<Leaf> leaves, std::size_t which, const std::vector<float>& direction,
                               double step) {
  for (std::size_t i = 0; i < direction.size(); ++i)
    leaves[which].values[i] = static_cast<float>(leaves[which].values[i] + step * direction[i]);
  return leaves;
}

/// The gradient of leaf `which` against the difference quotient along one random direction. `bound` is on the quotient.
inline void check_direction(const OpUnderTest& op, const std::vector<Leaf>& leaves, std::size_t which,
                            const std::vector<double>& gradient, const std::vector<float>& weights, double step,
                            double bound, std::uint64_t seed) {
  const std::vector<float> direction = random_values(leaves[which].shape.count(), seed);
  const double coefficients[] = {8.0, -8.0, -1.0, 1.0}, steps[] = {step, -step, 2.0 * step, -2.0 * step};
  double numeric = 0.0;
  std::vector<double> walked(direction.size(), 0.0);
  for (int point = 0; point < 4; ++point) {
    const std::vector<Leaf> there = moved(leaves, which, direction, steps[point]);
    const double factor = coefficients[point] / (12.0 * step);
    numeric += factor * dot(to_doubles(value_of(op, there)), to_doubles(weights));
    for (std::size_t i = 0; i < walked.size(); ++i)
      walked[i] += factor * (static_cast<double>(there[which].values[i]) - leaves[which].values[i]);
  }
  const double analytic = dot(gradient, walked), sensitivity = norm(gradient) / std::sqrt(3.0);
  EXPECT_LE(error_ratio(analytic, numeric, {bound, 0.0}), 1.0)
      << "leaf " << which << ": analytic " << analytic << ", numeric " << numeric << ", bound " << bound;
  EXPECT_LE(bound, 0.05 * sensitivity) << "leaf " << which << ": the check is blunt";
}

/// Every gradient of `op` at `leaves` against finite differences, and a second use of the same leaves against twice the
/// first.
inline void check_gradients(const OpUnderTest& op, const std::vector<Leaf>& leaves, const GradCheck& check = {}) {
  const std::vector<double> output = to_doubles(value_of(op, leaves));
  const std::vector<float> weights = random_values(static_cast<std::int64_t>(output.size()), check.seed * 7919);
  double magnitude = 1.0;
  for (const double value : output) magnitude = std::max(magnitude, std::abs(value));
  const double error = check.roundings * kEpsilon, scale = magnitude * norm(to_doubles(weights));
  const double step = check.radius * std::pow(error, 0.2), reach = step / check.radius;
  const double bound = (9.0 * error / step + 4.0 * std::pow(reach, 4) / check.radius) * scale;

  const auto once = gradients_of(op, leaves, weights), twice = gradients_of(op, leaves, weights, 2);
  for (std::size_t which = 0; which < leaves.size(); ++which) {
    for (int direction = 0; direction < check.directions; ++direction)
      check_direction(op, leaves, which, once[which], weights, step, bound,
                      check.seed * 104729 + which * 1009 + static_cast<std::uint64_t>(direction));
    // Adding a contribution to itself in another order of the same sums: the error of one more pass of roundings.
    std::vector<double> doubled = once[which];
    double largest = 0.0;
    for (double& value : doubled) largest = std::max(largest, std::abs(value *= 2.0));
    EXPECT_TRUE(close(twice[which], doubled, {2.0 * error * largest, 0.0})) << "leaf " << which << ": second use";
  }
}

}  // namespace isobath::test
