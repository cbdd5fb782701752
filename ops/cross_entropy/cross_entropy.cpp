#include "ops/cross_entropy/cross_entropy.hpp"

#include <utility>

#include "ops/add/add.hpp"
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
  return cross_entropy_with_z_loss(std::move(logits), targets, scale, 0.0F).loss;
}

ScoredLogits cross_entropy_with_z_loss(Tensor&& logits, const Tensor& targets, const Tensor& scale, float weight) {
  check(logits, targets);
  require(weight >= 0.0F, "cross_entropy: z-loss of weight ", weight);
  require(scale.count() == 1 && scale.dtype() == DType::F32 && scale.device() == logits.device(),
          "cross_entropy: scale ", scale.shape(), ' ', name_of(scale.dtype()), " on ", scale.device());
  const bool keeps_gradient = needs_grad({&logits});
  require(!keeps_gradient || logits.is_exclusive(), "cross_entropy: another handle shares the logits it overwrites");
  const auto scalar = [&] { return Tensor::empty(Shape{1}, DType::F32, logits.device()); };
  const auto per_row = [&] { return Tensor::empty(targets.shape(), DType::F32, logits.device()); };
  const Tensor losses = per_row(), penalties = weight > 0.0F ? per_row() : Tensor();
  ScoredLogits out{{}, scalar(), weight > 0.0F ? scalar() : Tensor()};
  count_bytes("cross_entropy", (keeps_gradient ? 2 : 1) * logits.bytes());
  on_queue_of(logits.device(), "cross_entropy", [&](auto queue) {
    const auto target_view = targets.view<const std::int32_t>();
    const auto scale_view = scale.view<const float>();
    const kernel::ZPenalty z{weight, penalties.defined() ? penalties.view<float>() : View<float>{}};
    if (keeps_gradient)
      kernel::cross_entropy_in_place(queue, logits.view<float>(), target_view, scale_view, losses.view<float>(), z);
    else
      kernel::cross_entropy(queue, logits.view<const float>(), target_view, losses.view<float>(), z);
    kernel::cross_entropy_total(queue, losses.view<const float>(), scale_view, out.cross_entropy.view<float>());
    if (penalties.defined())
      kernel::cross_entropy_total(queue, penalties.view<const float>(), scale_view, out.z_loss.view<float>());
  });
  out.loss = penalties.defined() ? add(out.cross_entropy, out.z_loss) : out.cross_entropy;
  record("cross_entropy", {&logits}, out.loss,
         [gradient = logits.detached()](const Tensor& grad_out, const InputGrads& inputs) {
           on_queue_of(grad_out.device(), "cross_entropy", [&](auto queue) {
             kernel::cross_entropy_backward(queue, gradient.view<float>(), grad_out.view<const float>());
           });
           inputs.add(0, gradient);
         });
  logits = Tensor();
  return out;
}

Tensor cross_entropy_per_row(const Tensor& logits, const Tensor& targets) {
  check(logits, targets);
  Tensor losses = Tensor::empty(targets.shape(), DType::F32, logits.device());
  on_queue_of(logits.device(), "cross_entropy_per_row", [&](auto queue) {
    kernel::cross_entropy(queue, logits.view<const float>(), targets.view<const std::int32_t>(), losses.view<float>());
  });
  return losses;
}

}  // namespace isobath
