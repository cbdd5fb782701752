#include "ops/add/add.hpp"

#include "ops/autograd/tape.hpp"

namespace isobath {

Tensor add(const Tensor& a, const Tensor& b) {
  require(a.shape() == b.shape() && a.dtype() == b.dtype() && a.device() == b.device(), "add: ", a.shape(), ' ',
          name_of(a.dtype()), " on ", a.device(), " and ", b.shape(), ' ', name_of(b.dtype()), " on ", b.device());
  Tensor out = Tensor::empty(a.shape(), a.dtype(), a.device());
  count_bytes("add", 3 * out.bytes());
  on_queue_of(a.device(), "add", [&](auto queue) {
    on_float_type(a.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      kernel::add<T>(queue, a.view<const T>(), b.view<const T>(), out.view<T>());
    });
  });
  record("add", {&a, &b}, out, [](const Tensor& grad_out, const InputGrads& inputs) {
    inputs.add(0, grad_out);
    inputs.add(1, grad_out);
  });
  return out;
}

}  // namespace isobath
