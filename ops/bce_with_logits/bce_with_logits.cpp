#include "ops/bce_with_logits/bce_with_logits.hpp"

#include "ops/autograd/tape.hpp"
#include "ops/sum/sum_partial.hpp"

namespace isobath {
namespace {

kernel::Targets targets_of(const RowSet& chosen) {
  if (chosen.is_all()) return {{}, kernel::Targets::Kind::All};
  return {chosen.rows().view<const std::int32_t>(), kernel::Targets::Kind::Listed};
}

}  // namespace

Tensor bce_with_logits(const Tensor& logits, const RowSet& chosen, float scale, const Tensor& unit) {
  require(logits.dtype() == DType::F32 && logits.count() == chosen.total() && unit.dtype() == DType::F32 &&
              unit.count() == 1 && unit.device() == logits.device() &&
              (chosen.is_all() || chosen.rows().device() == logits.device()),
          "bce_with_logits: logits ", logits.shape(), ' ', name_of(logits.dtype()), " on ", logits.device(),
          " for a batch of ", chosen.total(), " rows, unit ", unit.shape(), ' ', name_of(unit.dtype()), " on ",
          unit.device());
  Tensor out = Tensor::empty(Shape{1}, DType::F32, logits.device());
  const Tensor partial = kernel::partial_sums(logits.count(), logits.device());
  on_queue_of(logits.device(), "bce_with_logits", [&](auto queue) {
    kernel::bce_with_logits(queue, logits.view<const float>(), targets_of(chosen), scale, unit.view<const float>(),
                            partial.view<double>(), out.view<float>());
  });
  record("bce_with_logits", {&logits}, out,
         [logits, chosen, scale, unit](const Tensor& grad_out, const InputGrads& inputs) {
           const GradTarget to = inputs.target(0);
           on_queue_of(grad_out.device(), "bce_with_logits", [&](auto queue) {
             kernel::bce_with_logits_backward(queue, grad_out.view<const float>(), logits.view<const float>(),
                                              targets_of(chosen), scale, unit.view<const float>(), to.mode,
                                              to.tensor.view<float>());
           });
         });
  return out;
}

}  // namespace isobath
