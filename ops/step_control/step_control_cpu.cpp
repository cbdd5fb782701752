#include <cmath>

#include "ops/adamw/adamw.hpp"
#include "ops/step_control/step_control.hpp"

namespace isobath::kernel {

void step_control(CpuQueue, View<const double> squares, View<const double> loss, const UpdatePlan& plan,
                  View<double> control) {
  const double norm = std::sqrt(squares[0]);
  const bool clips = plan.max_norm > 0.0 && norm > plan.max_norm;
  control[kLearningRate] = plan.learning_rate;
  control[kGradientScale] = clips ? plan.max_norm / norm : 1.0;
  control[kUpdateIndex] = static_cast<double>(plan.update_index);
  control[kGo] = std::isfinite(norm) && std::isfinite(loss[0]) && loss[0] <= plan.loss_limit ? 1.0 : 0.0;
}

}  // namespace isobath::kernel
