#include "ops/gelu/gelu.hpp"

namespace isobath {

Tensor gelu(const Tensor& x) {
  Tensor out = Tensor::empty(x.shape(), x.dtype(), x.device());
  const Tensor slope = Tensor::empty(needs_grad({&x}) ? x.shape() : Shape{0}, x.dtype(), x.device());
  on_queue_of(x.device(), "gelu", [&](auto queue) {
    on_float_type(x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      kernel::gelu<T>(queue, x.view<const T>(), out.view<T>(), slope.view<T>());
    });
  });
  record("gelu", {&x}, out, [slope](const Tensor& grad_out, const InputGrads& inputs) {
    const GradTarget to_x = inputs.target(0);
    on_queue_of(grad_out.device(), "gelu", [&](auto queue) {
      on_float_type(grad_out.dtype(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        kernel::gelu_backward<T>(queue, grad_out.view<const T>(), slope.view<const T>(), grad_view<T>(to_x));
      });
    });
  });
  return out;
}

}  // namespace isobath
