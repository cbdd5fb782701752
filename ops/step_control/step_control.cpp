#include "ops/step_control/step_control.hpp"

#include <cmath>

#include "ops/adamw/adamw.hpp"

namespace isobath {

void step_control(const Tensor& squares, const Tensor& loss, const UpdatePlan& plan, const Tensor& control) {
  require(control.count() == kAdamWControls && squares.count() == 1 && loss.count() == 1, "step_control: shapes ",
          control.shape(), squares.shape(), loss.shape());
  on_cpu_queue_of(control.device(), "step_control", [&](CpuQueue) {
    const double norm = std::sqrt(squares.view<const double>()[0]);
    const bool clips = plan.max_norm > 0.0 && norm > plan.max_norm;
    const View<double> out = control.view<double>();
    out[kLearningRate] = plan.learning_rate;
    out[kGradientScale] = clips ? plan.max_norm / norm : 1.0;
    out[kUpdateIndex] = static_cast<double>(plan.update_index);
    const double value = loss.view<const double>()[0];
    out[kGo] = std::isfinite(norm) && std::isfinite(value) && value <= plan.loss_limit ? 1.0 : 0.0;
  });
}

}  // namespace isobath
