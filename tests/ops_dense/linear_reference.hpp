#pragma once
// linear forward and backward in double precision with running error bounds, and the op run once under the tape.

#include "ops/linear/linear.hpp"
#include "ops_dense/exact_gelu.hpp"
#include "support/grad_check.hpp"

namespace isobath::test {

struct LinearCase {
  std::int64_t rows, in, out;
  Activation activation = Activation::None;
  bool has_bias = true;
};

inline Exact activated(const Exact& u, Activation activation) {
  if (activation == Activation::Gelu) return gelu_of(u);
  if (activation == Activation::Relu)
    return applied(
        u, [](double v) { return std::max(v, 0.0); }, 1.0, [](double) { return 0.0; });
  return u;
}
inline Exact slope_of(const Exact& u, Activation activation) {
  if (activation == Activation::Gelu) return gelu_slope_of(u);
  const bool is_relu = activation == Activation::Relu;  // its tests have exact u: the step is where it should be
  return applied(
      u, [is_relu](double v) { return is_relu && v <= 0.0 ? 0.0 : 1.0; }, 0.0, [](double) { return 0.0; });
}

/// What linear and its gradients must be for given inputs and gradient of the output; `unit` is the rounding of the
/// element type.
struct LinearReference {
  Exact out, grad_x, grad_weight, grad_bias;

  static LinearReference of(const LinearCase& c, const Exact& x, const Exact& weight, const Exact& bias,
                            const Exact& grad_out, double unit = kEpsilon) {
    const Exact product_of = product(x, transposed(weight));
    const Exact u = c.has_bias ? sum(product_of, bias) : product_of;
    Exact g = grad_out;
    if (c.activation != Activation::None)
      g = rounded(elementwise_product(grad_out, rounded(slope_of(u, c.activation), unit)), unit);
    return {rounded(activated(u, c.activation), unit), rounded(product(g, weight), unit), product(transposed(g), x),
            column_sums(g)};
  }
};

/// The op's tensors after forward and backward; the gradients of `rounds` equal uses add up in the same buffers.
struct LinearRun {
  LeafTensor x, weight, bias;
  Tensor out;
};

inline LinearRun run_linear(const LinearCase& c, const std::vector<float>& x, const std::vector<float>& weight,
                            const std::vector<float>& bias, const std::vector<float>& grad_out, int uses = 1) {
  clear_tape();
  LinearRun run{
      make_leaf(Shape{c.rows, c.in}, x), make_leaf(Shape{c.out, c.in}, weight), make_leaf(Shape{c.out}, bias), {}};
  std::vector<Tensor> outputs;
  for (int use = 0; use < uses; ++use)
    outputs.push_back(linear(run.x.value, run.weight.value, c.has_bias ? run.bias.value : Tensor(), c.activation));
  run.out = outputs[0];
  backward(project(outputs, grad_out));
  return run;
}

}  // namespace isobath::test
