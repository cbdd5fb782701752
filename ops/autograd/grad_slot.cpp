#include "ops/autograd/grad_slot.hpp"

#include <utility>

#include "ops/core/queue.hpp"
#include "ops/core/threads.hpp"

namespace isobath {
namespace {

template <class T>
void add_into(CpuQueue, View<const T> from, View<T> to) {
  parallel_for(to.count(), 1 << 14, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) to[i] = T(float(to[i]) + float(from[i]));
  });
}

}  // namespace

GradTarget GradSlot::target() {
  if (adopted_ && !gradient_.is_exclusive()) {
    const Tensor shared = std::exchange(gradient_, Tensor::empty(shape_, dtype_, device_));
    gradient_.copy_from(shared);
  }
  adopted_ = false;
  if (!gradient_.defined()) gradient_ = Tensor::empty(shape_, dtype_, device_);
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
  on_cpu_queue_of(device_, "gradient accumulation", [&](auto queue) {
    on_float_type(dtype_, [&](auto tag) {
      using T = typename decltype(tag)::type;
      add_into<T>(queue, contribution.view<const T>(), to.tensor.view<T>());
    });
  });
}

Tensor GradSlot::take() {
  adopted_ = contributed_ = false;
  return std::move(gradient_);
}

void GradSlot::use_finished() {
  if (--pending_uses_ == 0 && hook_) hook_();
}

}  // namespace isobath
