#pragma once
#include <memory>
#include <optional>

#include "trainer/evaluate/evaluate.hpp"
#include "trainer/evaluate/rules.hpp"
#include "trainer/run/run_setup.hpp"

namespace isobath {

/// The set-up of the run in `root`, from its own config.yaml, on another device if one is named. Collective. Throws
/// DataError when `root` is no run, BackendError when there is no such device.
RunSetup set_up_trained_run(const std::filesystem::path& root, std::optional<DeviceChoice> device, Communicator& ranks);

/// A run's model with the weights of its newest whole checkpoint, to be scored or sampled from.
class TrainedRun {
 public:
  /// Collective. Throws DataError when `root` has no usable checkpoint. `setup` is that of the run in `root`; the model
  /// lies on its device.
  TrainedRun(const std::filesystem::path& root, RunSetup setup, Communicator& ranks);

  const RunSetup& setup() const { return setup_; }
  const Replica& replica() const { return *replica_; }
  std::int64_t step() const { return step_; }

  /// Every rule of the run's policy on all validation windows, or `windows` evenly spaced ones when not 0. Collective.
  std::vector<Evaluation> evaluate_rules(std::int64_t windows) const;
  /// Thresholds for the quantile rule, from the first training batches; empty for policies without one. Collective.
  std::vector<float> thresholds() const;

 private:
  RunSetup setup_;
  std::unique_ptr<Communicator> device_ranks_;  // where the model lies on GPUs
  Communicator& ranks_;
  std::unique_ptr<Replica> replica_;
  std::int64_t step_ = 0;
};

}  // namespace isobath
