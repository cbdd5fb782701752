#include "ops/sum/sum.hpp"

#include "ops/autograd/tape.hpp"
#include "ops/sum/sum_partial.hpp"

namespace isobath {

Tensor sum(const Tensor& x, float scale, const Tensor& unit) {
  require(x.dtype() == DType::F32 && unit.dtype() == DType::F32 && unit.count() == 1 && unit.device() == x.device(),
          "sum: x ", name_of(x.dtype()), " on ", x.device(), ", unit ", unit.shape(), ' ', name_of(unit.dtype()),
          " on ", unit.device());
  Tensor out = Tensor::empty(Shape{1}, DType::F32, x.device());
  const Tensor partial = kernel::partial_sums(x.count(), x.device());
  on_queue_of(x.device(), "sum", [&](auto queue) {
    kernel::sum(queue, x.view<const float>(), scale, unit.view<const float>(), partial.view<double>(),
                out.view<float>());
  });
  record("sum", {&x}, out, [scale, unit](const Tensor& grad_out, const InputGrads& inputs) {
    const GradTarget to = inputs.target(0);
    on_queue_of(grad_out.device(), "sum", [&](auto queue) {
      kernel::sum_backward(queue, grad_out.view<const float>(), scale, unit.view<const float>(), to.mode,
                           to.tensor.view<float>());
    });
  });
  return out;
}

}  // namespace isobath
