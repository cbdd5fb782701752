#include "ops/scale_rows/scale_rows.hpp"

namespace isobath {

Tensor scale_rows(const Tensor& x, const Tensor& gates) {
  require(
      x.shape().rank() == 2 && gates.count() == x.dim(0) && gates.dtype() == DType::F32 && gates.device() == x.device(),
      "scale_rows: x ", x.shape(), " on ", x.device(), ", gates ", gates.shape(), ' ', name_of(gates.dtype()), " on ",
      gates.device());
  Tensor out = Tensor::empty(x.shape(), x.dtype(), x.device());
  count_bytes("scale_rows", 2 * out.bytes());
  on_queue_of(x.device(), "scale_rows", [&](auto queue) {
    on_float_type(x.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      kernel::scale_rows<T>(queue, x.view<const T>(), gates.view<const float>(), out.view<T>());
    });
  });
  record("scale_rows", {&x, &gates}, out, [x, gates](const Tensor& grad_out, const InputGrads& inputs) {
    const GradTarget to_x = wanted_target(inputs, 0), to_gates = wanted_target(inputs, 1);
    count_bytes("scale_rows", 3 * grad_out.bytes());
    on_queue_of(grad_out.device(), "scale_rows", [&](auto queue) {
      on_float_type(grad_out.dtype(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        kernel::scale_rows_backward<T>(queue, grad_out.view<const T>(), x.view<const T>(), gates.view<const float>(),
                                       grad_view<T>(to_x), grad_view<float>(to_gates));
      });
    });
  });
  return out;
}

}  // namespace isobath
