#pragma once
#include <string>
#include <vector>

#include "trainer/bench/step_bench.hpp"
#include "trainer/replica.hpp"
#include "trainer/trainer.hpp"

namespace isobath {

/// One row of a benchmark: a model in training, whose steps are measured one at a time so that rows can take turns.
class Contender {
 public:
  /// Steps run on `ranks`, which outlives it, with `threads` kernel threads on each.
  Contender(const StepBenchOptions& options, const DepthConfig& depth, Communicator& ranks, int threads);

  /// Every rank of the contender calls it.
  void warm_up() { take_step(); }
  void measured_step();

  /// Medians of the measured steps; ratios against `first`, which has made as many.
  StepBenchRow row(double peak_flops, const Contender& first) const;

 private:
  StepReport take_step();

  RunConfig config_;
  Communicator& ranks_;
  int threads_;
  Replica replica_;
  Trainer trainer_;
  Batch batch_;
  std::vector<double> seconds_, compute_, communication_, imbalance_;
  StepBenchRow row_;
};

}  // namespace isobath
