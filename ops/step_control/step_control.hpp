#pragma once
#include <limits>

#include "ops/core/queue.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath {

/// What the host knows of an update before the step has run.
struct UpdatePlan {
  double learning_rate = 0.0;
  double max_norm = 0.0;                                        ///< 0: no clipping
  std::int64_t update_index = 1;                                ///< counts from 1
  double loss_limit = std::numeric_limits<double>::infinity();  ///< a greater loss is a spike
};

/// Writes AdamW's control (ops/adamw/adamw.hpp), f64 [4], on the device: gradients are scaled by min(1, max_norm /
/// norm) with norm = sqrt(squares[0]), and the go flag falls when norm or loss[0] is not finite, or loss[0] above
/// plan.loss_limit. squares, loss: f64 [1].
void step_control(const Tensor& squares, const Tensor& loss, const UpdatePlan& plan, const Tensor& control);

namespace kernel {
/// The same contract without checks.
void step_control(CpuQueue queue, View<const double> squares, View<const double> loss, const UpdatePlan& plan,
                  View<double> control);
void step_control(CudaQueue queue, View<const double> squares, View<const double> loss, const UpdatePlan& plan,
                  View<double> control);
}  // namespace kernel

}  // namespace isobath
