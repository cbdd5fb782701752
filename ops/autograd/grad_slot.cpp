#include "ops/autograd/grad_slot.hpp"

#include <utility>

#include "ops/tensor/convert.hpp"

namespace isobath {
GradTarget GradSlot::target() {
  if (adopted_ && !gradient_.is_exclusive()) {
    const Tensor shared = std::exchange(gradient_, Tensor::empty(shape_, dtype_, device_));
    gradient_.copy_from(shared);
  }
  adopted_ = false;
  if (!gradient_.defined()) gradient_ = storage_ ? storage_() : Tensor::empty(shape_, dtype_, device_);
  const Accumulate mode = contributed_ ? Accumulate::Add : Accumulate::Overwrite;
  contributed_ = true;
  return {gradient_, mode};
}

void GradSlot::add(Tensor contribution) {
  require(contribution.count() == shape_.count() && contribution.dtype() == dtype_, "gradient of ", shape_, ' ',
          name_of(dtype_), " given as ", contribution.shape(), ' ', name_of(contribution.dtype()));
  if (!contributed_ && !is_leaf_) {
    gradient_ = contribution.reshaped(shape_);
    adopted_ = contributed_ = true;
    return;
  }
  const GradTarget to = target();
  if (to.mode == Accumulate::Overwrite) return to.tensor.copy_from(contribution);
  convert(contribution, to.tensor, Accumulate::Add);
}

Tensor GradSlot::take() {
  adopted_ = contributed_ = false;
  return std::move(gradient_);
}

void GradSlot::release() {
  gradient_ = {};
  contributed_ = false;
}

void GradSlot::use_finished() {
  if (--pending_uses_ == 0 && hook_) hook_();
}

}  // namespace isobath
