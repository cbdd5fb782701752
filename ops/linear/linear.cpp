#include "ops/linear/linear.hpp"

#include "ops/core/ledger.hpp"

namespace isobath {
namespace {

void check(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  require(x.shape().rank() == 2 && weight.shape().rank() == 2 && x.dim(1) == weight.dim(1) &&
              x.dtype() == weight.dtype() && x.device() == weight.device(),
          "linear: x ", x.shape(), ' ', name_of(x.dtype()), " on ", x.device(), ", weight ", weight.shape(), ' ',
          name_of(weight.dtype()), " on ", weight.device());
  require(!bias.defined() ||
              (bias.shape() == Shape{weight.dim(0)} && bias.dtype() == x.dtype() && bias.device() == x.device()),
          "linear: bias ", bias.shape(), ' ', name_of(bias.dtype()), " on ", bias.device(), " for weight ",
          weight.shape(), ' ', name_of(weight.dtype()));
}

template <class T>
View<T> optional_view(const Tensor& tensor) {
  return tensor.defined() ? tensor.view<T>() : View<T>{};
}

struct Saved {
  Tensor x, weight, slope;
};

void backward_of(const Saved& saved, const Tensor& grad_out, const InputGrads& inputs) {
  const GradTarget to_x = wanted_target(inputs, 0), to_weight = wanted_target(inputs, 1),
                   to_bias = wanted_target(inputs, 2);
  const std::int64_t products = (to_x.tensor.defined() ? 1 : 0) + (to_weight.tensor.defined() ? 1 : 0);
  count_flops(2 * products * saved.x.count() * saved.weight.dim(0));
  on_cpu_queue_of(grad_out.device(), "linear", [&](auto queue) {
    on_float_type(grad_out.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      kernel::linear_backward<T>(queue, grad_out.view<const T>(), optional_view<T>(saved.slope),
                                 saved.x.view<const T>(), saved.weight.view<const T>(),
                                 {grad_view<T>(to_x), grad_view<float>(to_weight), grad_view<float>(to_bias)});
    });
  });
}

}  // namespace

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, Activation activation) {
  check(x, weight, bias);
  Tensor out = Tensor::empty(Shape{x.dim(0), weight.dim(0)}, x.dtype(), x.device());
  Tensor slope;
  if (activation != Activation::None && needs_grad({&x, &weight, &bias}))
    slope = Tensor::empty(out.shape(), out.dtype(), out.device());
  count_flops(2 * x.count() * weight.dim(0));
  on_cpu_queue_of(x.device(), "linear", [&](auto queue) {
    on_float_type(x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      kernel::linear<T>(queue, x.view<const T>(), weight.view<const T>(), optional_view<const T>(bias), activation,
                        out.view<T>(), optional_view<T>(slope));
    });
  });
  record("linear", {&x, &weight, &bias}, out,
         [saved = Saved{x.detached(), weight.detached(), slope}](const Tensor& grad_out, const InputGrads& inputs) {
           backward_of(saved, grad_out, inputs);
         });
  return out;
}

}  // namespace isobath
