#pragma once
#include <memory>

#include "data/batches/validation_windows.hpp"
#include "parallel/watch/watchdog.hpp"
#include "trainer/checkpoint/tensors/host_copies.hpp"
#include "trainer/evaluate/evaluate.hpp"
#include "trainer/guard/replicas.hpp"
#include "trainer/guard/spike_guard.hpp"
#include "trainer/metrics/progress.hpp"
#include "trainer/metrics/run_log.hpp"
#include "trainer/run/route_recorder.hpp"
#include "trainer/run/run_saver.hpp"
#include "trainer/run/run_setup.hpp"
#include "trainer/run/run_state.hpp"

namespace isobath {

/// A run from its newest checkpoint, or from the beginning, to its last step: training, validation, checkpoints, logs.
/// One per rank; all its functions are collective.
class TrainingRun {
 public:
  /// Builds model, optimizer and loader, and resumes. `setup` outlives the run. Rank 0 keeps the run directory.
  TrainingRun(const RunSetup& setup, Communicator& ranks);
  ~TrainingRun();

  /// Keeps the routes of all steps from now on, but for those that a roll-back undoes, and writes them to `path` when
  /// finish() returns.
  void record_routes(std::filesystem::path path);

  /// Tells `watchdog`, which outlives the run, what the run is busy with.
  void tell(Watchdog& watchdog) { watchdog_ = &watchdog; }

  /// Trains to config.train.steps and scores the model on all validation windows. Returns at once for a finished run.
  /// Throws StoppedOnRequest on every rank when one of them was asked to stop, after the state was saved.
  void finish();

 private:
  /// Whether there was a checkpoint to go on from.
  bool resume();
  std::unique_ptr<RunLog> open_log() const;
  std::vector<std::int64_t> source_tokens() const;
  void after_step(const StepReport& report);
  /// What the configuration says about a step that was skipped; whether the run went back.
  enum class After { GoOn, WentBack };
  After after_spike(const StepReport& report);
  After roll_back(const StepReport& report);
  void train();
  /// What every rank holds alike.
  std::vector<Replicated> replicas() const;
  /// Before the run ends with an error that all ranks agree on: a checkpoint under way is finished, not thrown away.
  void finish_save();
  void validate_if_due();
  Evaluation score(const ValidationWindows& windows, const Router& rule);
  void report(const Evaluation& score);
  void validate_fully();
  void save_last();
  TrainingState state() const;
  std::vector<NamedTensor> tensors() const {
    return on_host(training_tensors(replica_.parameters, trainer_.optimizer()));
  }
  void enter(Stage stage) {
    if (watchdog_ != nullptr) watchdog_->enter(stage, progression_.steps);
  }
  bool is_due(std::int64_t every) const { return every > 0 && progression_.steps % every == 0; }
  void note(const std::string& line);

  const RunSetup& setup_;
  std::unique_ptr<Communicator> device_ranks_;  // where ranks train on GPUs
  Communicator& ranks_;
  Watchdog* watchdog_ = nullptr;
  RunPaths paths_;
  Replica replica_;
  Trainer trainer_;
  Loader loader_;
  Progression progression_;
  SpikeGuard spikes_;
  std::int64_t roll_backs_ = 0;  // in a row to the checkpoint of roll_back_step_
  std::int64_t roll_back_step_ = -1;
  std::unique_ptr<ValidationWindows> all_windows_, some_windows_;
  std::filesystem::path trace_path_;
  std::unique_ptr<RouteRecorder> recorder_;  // while routes are recorded
  std::unique_ptr<RunLog> log_;              // rank 0 only, as is progress_
  std::unique_ptr<Progress> progress_;
  std::unique_ptr<RunSaver> saver_;  // last: its thread uses the log
};

/// The trace that a replaying run follows; nothing for other policies.
std::optional<RouteTrace> trace_of(const DepthConfig& depth);

/// This rank's share of the run's training batches.
LoaderOptions loader_options(const RunConfig& config, const Communicator& ranks);

/// Windows that a rank scores in one pass.
std::int64_t evaluation_batch(const RunConfig& config, int ranks);

}  // namespace isobath
