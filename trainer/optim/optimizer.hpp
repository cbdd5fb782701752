#pragma once
#include "configs/schema/run_config.hpp"
#include "ops/adamw/adamw.hpp"
#include "parallel/flat_parameters.hpp"
#include "trainer/step_totals.hpp"

namespace isobath {

/// AdamW over the flat buffers, one launch per parameter group, each group clipped by its own norm.
class Optimizer {
 public:
  Optimizer(const RunConfig& config, FlatParameters& parameters);

  /// One update from the reduced gradients, decided on the device: `totals` receives norms and control. `update` counts
  /// from 1.
  void step(const StepTotals& totals, double learning_rate, std::int64_t update);

  /// Moments, flat f32, laid out as the parameters are.
  const Tensor& first_moment() const { return first_; }
  const Tensor& second_moment() const { return second_; }

 private:
  struct Group {
    ParameterGroup group;
    std::vector<AdamWRange> ranges;  // counted from the group's begin in the flat buffers
    double learning_rate_scale;
  };

  FlatParameters& parameters_;
  AdamWSettings settings_;
  double max_norm_;
  Tensor first_, second_;
  std::vector<Group> groups_;
};

}  // namespace isobath
