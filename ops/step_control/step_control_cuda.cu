#include <cmath>

#include "ops/adamw/adamw.hpp"
#include "ops/core/cuda/launch.hpp"
#include "ops/step_control/step_control.hpp"

namespace isobath::kernel {
namespace {

__global__ void decide(const double* squares, const double* loss, UpdatePlan plan, double* control) {
  const double norm = sqrt(squares[0]);
  const bool clips = plan.max_norm > 0.0 && norm > plan.max_norm;
  control[kLearningRate] = plan.learning_rate;
  control[kGradientScale] = clips ? plan.max_norm / norm : 1.0;
  control[kUpdateIndex] = static_cast<double>(plan.update_index);
  control[kGo] = std::isfinite(norm) && std::isfinite(loss[0]) && loss[0] <= plan.loss_limit ? 1.0 : 0.0;
}

}  // namespace

void step_control(CudaQueue queue, View<const double> squares, View<const double> loss, const UpdatePlan& plan,
                  View<double> control) {
  cuda::launch("step_control", &decide, {.blocks = 1, .threads = 1}, queue, squares.data, loss.data, plan,
               control.data);
}

}  // namespace isobath::kernel
