#include "ops/step_control/step_control.hpp"

#include "ops/adamw/adamw.hpp"

namespace isobath {

void step_control(const Tensor& squares, const Tensor& loss, const UpdatePlan& plan, const Tensor& control) {
  require(control.count() == kAdamWControls && squares.count() == 1 && loss.count() == 1, "step_control: shapes ",
          control.shape(), squares.shape(), loss.shape());
  on_queue_of(control.device(), "step_control", [&](auto queue) {
    kernel::step_control(queue, squares.view<const double>(), loss.view<const double>(), plan, control.view<double>());
  });
}

}  // namespace isobath
