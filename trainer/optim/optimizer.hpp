#pragma once
#include <limits>

#include "configs/schema/run_config.hpp"
#include "ops/adamw/adamw.hpp"
#include "parallel/gradient_reducer.hpp"
#include "trainer/step_totals.hpp"

namespace isobath {

/// AdamW over the flat buffers, each parameter group clipped by its own norm. With a divided shard (ZeRO) this rank
/// holds moments for its slices only, updates those, and receives the others' weights.
class Optimizer {
 public:
  /// All references outlive it.
  Optimizer(const RunConfig& config, FlatParameters& parameters, const FlatShard& shard, Communicator& ranks);

  /// One update from the gradients that `reducer` has summed, decided on the device: `totals` receives norms and
  /// control. `update` counts from 1. A loss above `loss_limit` changes nothing. Collective when the shard is divided.
  void step(const StepTotals& totals, const GradientReducer& reducer, double learning_rate, std::int64_t update,
            double loss_limit = std::numeric_limits<double>::infinity());

  /// Moments of this rank's shard, flat f32.
  const Tensor& first_moment() const { return first_; }
  const Tensor& second_moment() const { return second_; }
  const FlatShard& shard() const { return shard_; }

 private:
  /// A contiguous piece of the shard.
  struct Part {
    ShardSegment where;
    std::vector<AdamWRange> ranges;  // counted from where.flat.begin
  };

  void find_norms(const StepTotals& totals, const GradientReducer& reducer);
  void update(const Part& part, const StepTotals& totals, const GradientReducer& reducer);
  std::vector<AdamWRange> ranges_within(const ShardSegment& segment, const OptimConfig& config) const;

  FlatParameters& parameters_;
  const FlatShard& shard_;
  Communicator& ranks_;
  AdamWSettings settings_;
  double max_norm_;
  double predictor_rate_;  // learning rate of the predictor's group over the main group's
  Tensor first_, second_;
  std::vector<Part> parts_;
};

}  // namespace isobath
