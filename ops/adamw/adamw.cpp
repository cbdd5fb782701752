#include "ops/adamw/adamw.hpp"

namespace isobath {

void adamw(const Tensor& weights, const Tensor& gradients, const Tensor& first, const Tensor& second,
           const std::vector<AdamWRange>& ranges, const AdamWSettings& settings, const Tensor& control) {
  for (const Tensor* other : {&gradients, &first, &second})
    require(other->count() == weights.count() && other->device() == weights.device(), "adamw: weights ",
            weights.shape(), " on ", weights.device(), " beside a buffer of ", other->shape(), " on ", other->device());
  require(control.count() == kAdamWControls && control.device() == weights.device(), "adamw: control ", control.shape(),
          " on ", control.device());
  for (const AdamWRange& range : ranges)
    require(range.begin >= 0 && range.begin <= range.end && range.end <= weights.count(), "adamw: range [", range.begin,
            ", ", range.end, ") of buffers of ", weights.count());
  count_bytes("adamw", 7 * weights.bytes());
  on_queue_of(weights.device(), "adamw", [&](auto queue) {
    kernel::adamw(queue,
                  {weights.view<float>(), gradients.view<const float>(), first.view<float>(), second.view<float>()},
                  ranges, settings, control.view<const double>());
  });
}

}  // namespace isobath
