#include "ops/swiglu/swiglu.hpp"

namespace isobath {

Tensor swiglu(const Tensor& gate, const Tensor& up) {
  require(gate.shape() == up.shape() && gate.dtype() == up.dtype() && gate.device() == up.device() &&
              (!gate.grad_slot() || gate.grad_slot() != up.grad_slot()),
          "swiglu: gate ", gate.shape(), ' ', name_of(gate.dtype()), " on ", gate.device(), ", up ", up.shape(), ' ',
          name_of(up.dtype()), " on ", up.device());
  Tensor out = Tensor::empty(gate.shape(), gate.dtype(), gate.device());
  on_queue_of(gate.device(), "swiglu", [&](auto queue) {
    on_float_type(gate.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      kernel::swiglu<T>(queue, gate.view<const T>(), up.view<const T>(), out.view<T>());
    });
  });
  record("swiglu", {&gate, &up}, out,
         [gate = gate.detached(), up = up.detached()](const Tensor& grad_out, const InputGrads& inputs) {
           const GradTarget to_gate = wanted_target(inputs, 0), to_up = wanted_target(inputs, 1);
           on_queue_of(grad_out.device(), "swiglu", [&](auto queue) {
             on_float_type(grad_out.dtype(), [&](auto tag) {
               using T = typename decltype(tag)::type;
               kernel::swiglu_backward<T>(queue, grad_out.view<const T>(), gate.view<const T>(), up.view<const T>(),
                                          {grad_view<T>(to_gate), grad_view<T>(to_up)});
             });
           });
         });
  return out;
}

}  // namespace isobath
