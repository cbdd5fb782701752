#pragma once
#include <string>
#include <vector>

#include "trainer/bench/step_bench.hpp"
#include "trainer/replica.hpp"
#include "trainer/trainer.hpp"

namespace isobath {

struct ContenderKind {
  DepthConfig depth;
  DTypeChoice dtype = DTypeChoice::F32;
  Recompute recompute = Recompute::None;
};

/// One row of a benchmark: a model in training, whose steps are measured one at a time so that rows can take turns.
class Contender {
 public:
  /// Steps run on `ranks`, which outlives it, with `threads` kernel threads on each.
  Contender(const StepBenchOptions& options, const ContenderKind& kind, Communicator& ranks, int threads);

  /// Every rank of the contender calls it.
  void warm_up() { take_step(); }
  void measured_step();
  /// Of its ranks, with as many numbers as there are gradients.
  void measure_bus();

  /// Who has made as many steps, for the ratios.
  struct Others {
    const Contender& dense;        ///< the first row of this dtype
    const Contender& same_kind;    ///< the same in the first dtype
    const Contender& same_policy;  ///< the same with the first choice of recomputation
  };
  /// Medians of the measured steps.
  StepBenchRow row(double peak_flops, const Others& others) const;
  /// One more step, as one span of the clock that listens; the clock's spans name it as long as the contender lives.
  void traced_step();
  /// `steps` more steps, and what one of them did.
  std::vector<OpRow> steps_by_op(std::int64_t steps, const OpLimits& limits);

 private:
  StepReport take_step();
  double time_ratio_to(const Contender& other) const;

  RunConfig config_;
  Communicator& ranks_;
  int threads_;
  Device device_;
  Replica replica_;
  Trainer trainer_;
  Batch batch_;
  std::string label_;  // of its span
  std::vector<double> seconds_, compute_, communication_, imbalance_;
  StepBenchRow row_;
};

}  // namespace isobath
