#pragma once
// One optimizer step over all ranks; no arithmetic of its own, and nothing in it waits for the device.

#include <functional>
#include <limits>
#include <optional>

#include "configs/schema/run_config.hpp"
#include "data/batches/loader.hpp"
#include "parallel/gradient_reducer.hpp"
#include "trainer/metrics/step_report.hpp"
#include "trainer/micro_batch_graphs.hpp"
#include "trainer/optim/optimizer.hpp"
#include "trainer/replica.hpp"
#include "trainer/step_totals.hpp"

namespace isobath {

class Trainer {
 public:
  /// All outlive the trainer. `config.model.vocabulary` is resolved.
  Trainer(const RunConfig& config, Replica& replica, Communicator& ranks);

  /// Trains on the batch, this rank's share of the global one. Collective. Throws AgreedError (93) on every rank when
  /// loss or gradient is not finite; the weights are then those before the step. `votes` are this rank's; the report
  /// counts those of all.
  /// A loss above `loss_limit` is a spike: the step counts, but leaves the weights as they were.
  StepReport step(const Batch& batch, StepVotes votes = {},
                  double loss_limit = std::numeric_limits<double>::infinity());

  /// The first half of step(): the global batch's gradients, summed over micro-batches and ranks, and the step's
  /// totals. Collective.
  void gather_gradients(const Batch& batch, StepVotes votes = {});

  /// Updates done so far.
  std::int64_t steps_done() const { return steps_done_; }
  /// Continues as if `steps` updates had been done.
  void resume_at(std::int64_t steps) { steps_done_ = steps; }
  /// Called after every forward pass of training, e.g. to record routes; null for none.
  void observe(std::function<void(const ModelOutput&, const RoutingContext&)> observer) {
    observer_ = std::move(observer);
  }
  const Optimizer& optimizer() const { return optimizer_; }
  const FlatShard& shard() const { return shard_; }
  GradientReducer& reducer() { return reducer_; }

 private:
  void update(double loss_limit);
  [[noreturn]] void stop(const StepTotals::Read& read);
  /// A micro-batch's share of the objective, f32 [1], and the rows that blocks updated.
  struct Forwarded {
    Tensor loss;
    std::int64_t rows_updated = 0;
  };

  /// f32 [1]: 1 / valid targets of the global step.
  Tensor inverse_targets(const Batch& batch);
  /// Puts what micro-batches of this step have in common to its place.
  void set_constants(const Batch& batch);
  void pass_through(const std::vector<Batch>& micro_batches);
  std::int64_t repeat(const Batch& micro, MicroBatchPlace place);
  /// Returns the rows that blocks updated.
  std::int64_t accumulate(const Batch& micro);
  Forwarded forward(const Batch& micro);
  StepReport report(const StepTotals::Read& read, double seconds, double waited) const;
  std::int64_t tokens_per_step() const { return config_.train.batch * config_.model.context; }

  const RunConfig& config_;
  Replica& replica_;
  Communicator& ranks_;
  FlatShard shard_;
  Optimizer optimizer_;
  GradientReducer reducer_;
  StepTotals totals_;
  Tensor unit_;     // f32 [1]: 1 / tokens of the global step
  Tensor inverse_;  // f32 [1]: inverse_targets() of the step
  Tensor keys_;     // i64 [layers + 1]: what dropout draws from in the step
  std::optional<MicroBatchGraphs> graphs_;
  std::int64_t steps_done_ = 0;
  std::int64_t active_rows_ = 0;  // that blocks updated on this rank in this step
  std::function<void(const ModelOutput&, const RoutingContext&)> observer_;
};

}  // namespace isobath
