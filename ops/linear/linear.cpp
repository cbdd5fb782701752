#include "ops/linear/linear.hpp"

#include "ops/core/ledger.hpp"

namespace isobath {
namespace {

void check(const Tensor& x, const Tensor& weight, const Tensor& bias, DType out_type) {
  require(x.shape().rank() == 2 && weight.shape().rank() == 2 && x.dim(1) == weight.dim(1) &&
              x.dtype() == weight.dtype() && x.device() == weight.device(),
          "linear: x ", x.shape(), ' ', name_of(x.dtype()), " on ", x.device(), ", weight ", weight.shape(), ' ',
          name_of(weight.dtype()), " on ", weight.device());
  require(!bias.defined() ||
              (bias.shape() == Shape{weight.dim(0)} && bias.dtype() == DType::F32 && bias.device() == x.device()),
          "linear: bias ", bias.shape(), ' ', name_of(bias.dtype()), " on ", bias.device(), " for weight ",
          weight.shape(), ' ', name_of(weight.dtype()));
  require(out_type == x.dtype() || out_type == DType::F32, "linear: a result in ", name_of(out_type), " of x in ",
          name_of(x.dtype()));
}

template <class T>
View<T> optional_view(const Tensor& tensor) {
  return tensor.defined() ? tensor.view<T>() : View<T>{};
}

struct SavedLinear {
  Tensor x, weight, slope;
};

/// The slope's place, a new one where the gradient has to be rounded, or none.
Tensor operand_of(const SavedLinear& saved, const Tensor& grad_out) {
  if (saved.slope.defined() || grad_out.dtype() == saved.x.dtype()) return saved.slope;
  return Tensor::empty(grad_out.shape(), saved.x.dtype(), grad_out.device());
}

void backward_of(const SavedLinear& saved, const Tensor& grad_out, const InputGrads& inputs) {
  const GradTarget to_x = wanted_target(inputs, 0), to_weight = wanted_target(inputs, 1),
                   to_bias = wanted_target(inputs, 2);
  const std::int64_t products = (to_x.tensor.defined() ? 1 : 0) + (to_weight.tensor.defined() ? 1 : 0);
  count_flops(2 * products * saved.x.count() * saved.weight.dim(0));
  const Tensor operand = operand_of(saved, grad_out);
  on_queue_of(grad_out.device(), "linear", [&](auto queue) {
    on_wide_and_narrow(grad_out.dtype(), saved.x.dtype(), [&](auto out_tag, auto tag) {
      using Out = typename decltype(out_tag)::type;
      using T = typename decltype(tag)::type;
      kernel::linear_backward<T>(queue, grad_out.view<const Out>(), {optional_view<T>(operand), saved.slope.defined()},
                                 saved.x.view<const T>(), saved.weight.view<const T>(),
                                 {grad_view<T>(to_x), grad_view<float>(to_weight), grad_view<float>(to_bias)});
    });
  });
}

}  // namespace

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, Activation activation) {
  return linear(x, weight, bias, activation, x.dtype());
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, Activation activation, DType out_type) {
  check(x, weight, bias, out_type);
  Tensor out = Tensor::empty(Shape{x.dim(0), weight.dim(0)}, out_type, x.device());
  Tensor slope;
  if (activation != Activation::None && needs_grad({&x, &weight, &bias}))
    slope = Tensor::empty(out.shape(), x.dtype(), out.device());
  count_flops(2 * x.count() * weight.dim(0));
  on_queue_of(x.device(), "linear", [&](auto queue) {
    on_wide_and_narrow(out_type, x.dtype(), [&](auto out_tag, auto tag) {
      using Out = typename decltype(out_tag)::type;
      using T = typename decltype(tag)::type;
      kernel::linear<T>(queue, x.view<const T>(), weight.view<const T>(), optional_view<const float>(bias), activation,
                        out.view<Out>(), optional_view<T>(slope));
    });
  });
  record("linear", {&x, &weight, &bias}, out,
         [saved = SavedLinear{x.detached(), weight.detached(), slope}](
             const Tensor& grad_out, const InputGrads& inputs) { backward_of(saved, grad_out, inputs); });
  return out;
}

}  // namespace isobath
