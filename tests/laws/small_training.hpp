#pragma once

#include "laws/small_run.hpp"
#include "support/ranked/bodies.hpp"

namespace isobath::test {

/// A model in training, each of whose steps begins with tokens in host memory, as a run's do.
class SmallTraining {
 public:
  SmallTraining(const RunConfig& config, Communicator& ranks)
      : config_(config),
        replica_(config_, device(), ranks.size()),
        trainer_(config_, replica_, ranks),
        share_(share_of(config.train.batch, {ranks.rank(), ranks.size()})) {}

  /// This rank's share of the next step's.
  Batch batch() const { return small_batch(config_, trainer_.steps_done(), share_); }
  StepReport step() { return trainer_.step(batch()); }
  Trainer& trainer() { return trainer_; }
  std::vector<float> gradients() const { return replica_.parameters.gradients().to_vector<float>(); }
  std::vector<float> values() const { return replica_.parameters.values().to_vector<float>(); }

 private:
  RunConfig config_;
  Replica replica_;
  Trainer trainer_;
  IndexRange share_;
};

}  // namespace isobath::test
