#include "ops/sigmoid/sigmoid.hpp"

#include "ops/autograd/tape.hpp"

namespace isobath {
namespace {

Tensor signed_sigmoid(const char* name, const Tensor& x, float sign) {
  require(x.dtype() == DType::F32, name, ": expected f32, got ", name_of(x.dtype()));
  Tensor out = Tensor::empty(x.shape(), DType::F32, x.device());
  on_queue_of(x.device(), name,
              [&](auto queue) { kernel::sigmoid(queue, x.view<const float>(), sign, out.view<float>()); });
  record(name, {&x}, out, [name, x, sign](const Tensor& grad_out, const InputGrads& inputs) {
    const GradTarget to = inputs.target(0);
    on_queue_of(grad_out.device(), name, [&](auto queue) {
      kernel::sigmoid_backward(queue, grad_out.view<const float>(), x.view<const float>(), sign, to.mode,
                               to.tensor.view<float>());
    });
  });
  return out;
}

}  // namespace

Tensor sigmoid(const Tensor& x) { return signed_sigmoid("sigmoid", x, 1.0F); }

Tensor one_minus_sigmoid(const Tensor& x) { return signed_sigmoid("one_minus_sigmoid", x, -1.0F); }

}  // namespace isobath
