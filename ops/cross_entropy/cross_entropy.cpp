#include "ops/cross_entropy/cross_entropy.hpp"

#include <utility>

#include "ops/autograd/tape.hpp"

namespace isobath {
namespace {

void check(const Tensor& logits, const Tensor& targets) {
  require(logits.shape().rank() == 2 && logits.dtype() == DType::F32 && targets.shape() == Shape{logits.dim(0)} &&
              targets.dtype() == DType::I32 && targets.device() == logits.device(),
          "cross_entropy: logits ", logits.shape(), ' ', name_of(logits.dtype()), " on ", logits.device(), ", targets ",
          targets.shape(), ' ', name_of(targets.dtype()), " on ", targets.device());
}

}  // namespace

Tensor cross_entropy(Tensor&& logits, const Tensor& targets, const Tensor& scale) {
  check(logits, targets);
  require(scale.count() == 1 && scale.dtype() == DType::F32 && scale.device() == logits.device(),
          "cross_entropy: scale ", scale.shape(), ' ', name_of(scale.dtype()), " on ", scale.device());
  const bool keeps_gradient = needs_grad({&logits});
  require(!keeps_gradient || logits.is_exclusive(), "cross_entropy: another handle shares the logits it overwrites");
  const Tensor losses = Tensor::empty(targets.shape(), DType::F32, logits.device());
  Tensor total = Tensor::empty(Shape{1}, DType::F32, logits.device());
  count_bytes("cross_entropy", (keeps_gradient ? 2 : 1) * logits.bytes());
  on_cpu_queue_of(logits.device(), "cross_entropy", [&](auto queue) {
    const auto target_view = targets.view<const std::int32_t>();
    if (keeps_gradient)
      kernel::cross_entropy_in_place(queue, logits.view<float>(), target_view, scale.view<const float>(),
                                     losses.view<float>());
    else
      kernel::cross_entropy(queue, logits.view<const float>(), target_view, losses.view<float>());
    kernel::cross_entropy_total(queue, losses.view<const float>(), scale.view<const float>(), total.view<float>());
  });
  record("cross_entropy", {&logits}, total,
         [gradient = logits.detached()](const Tensor& grad_out, const InputGrads& inputs) {
           on_cpu_queue_of(grad_out.device(), "cross_entropy", [&](auto queue) {
             kernel::cross_entropy_backward(queue, gradient.view<float>(), grad_out.view<const float>());
           });
           inputs.add(0, gradient);
         });
  logits = Tensor();
  return total;
}

Tensor cross_entropy_per_row(const Tensor& logits, const Tensor& targets) {
  check(logits, targets);
  Tensor losses = Tensor::empty(targets.shape(), DType::F32, logits.device());
  on_cpu_queue_of(logits.device(), "cross_entropy_per_row", [&](auto queue) {
    kernel::cross_entropy(queue, logits.view<const float>(), targets.view<const std::int32_t>(), losses.view<float>());
  });
  return losses;
}

}  // namespace isobath
