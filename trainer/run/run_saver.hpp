#pragma once
// The checkpoints of a run: when they are due, how they are written beside training, what is said about it.

#include <functional>
#include <string>

#include "trainer/checkpoint/background/background_saver.hpp"
#include "trainer/metrics/step_report.hpp"
#include "trainer/run/run_setup.hpp"
#include "trainer/run/save_clock.hpp"

namespace isobath {

/// Whether a run of this configuration ever writes one, but for a signal's sake.
bool writes_checkpoints(const CheckpointConfig& config);

/// What the saver needs of rank 0's logs; empty on the other ranks.
struct SaverLog {
  std::function<void(const std::string&)> say;  ///< a line for people
  std::function<void()> sync_metrics;           ///< called by another thread than the one that writes metrics
};

/// One per rank; its functions are collective unless they say otherwise. They throw AgreedError (storage, 74) when a
/// save is given up and the configuration wants the run to stop then.
class RunSaver {
 public:
  /// `setup` and `ranks` outlive the saver.
  RunSaver(const RunSetup& setup, Communicator& ranks, SaverLog log);

  /// Before the first step, if checkpoints are to be written at all: checks that two of them find room, and makes room
  /// in memory for the copy of one. Throws StorageError on every rank.
  void prepare(std::span<const NamedTensor> tensors);
  /// The run goes on from the checkpoint of that step.
  void resumed_at(std::int64_t step);

  /// What is durable of the newest step lacks something by now: save_last() writes that step again. Not collective.
  void outdated() { durable_step_ = -1; }

  /// What this rank says with the reduction of the step that comes. Not collective.
  void vote(StepVotes& votes) const;
  /// After every step: a save that is under way goes on.
  void after_step(const StepReport& report);
  /// Whether a checkpoint is due after this step.
  bool is_due(std::int64_t step);

  /// Copies the state and lets it be written; waits for the save before, if one is under way. In the foreground it
  /// waits for this one too.
  void save(const TrainingState& state, std::span<const NamedTensor> tensors);
  /// Whether a save is under way. Not collective.
  bool is_saving() const { return saver_.is_saving(); }
  /// Waits until nothing is under way.
  void wait();
  /// The state that a run ends with: waits until it is durable; throws AgreedError (74) when it cannot be written,
  /// because nobody will try again. Does nothing when that step is durable.
  void save_last(const TrainingState& state, std::span<const NamedTensor> tensors);

 private:
  void take(const std::optional<SaveNews>& news);
  [[noreturn]] void stop(const std::string& error) const;
  bool is_due_by_cost(std::int64_t step);
  void say(const std::string& line) const;

  const CheckpointConfig& config_;
  Communicator& ranks_;
  std::filesystem::path root_;
  SaverLog log_;
  SaveClock clock_;
  std::int64_t requested_step_ = -1, durable_step_ = -1;
  std::int64_t next_look_ = -1;  // with interval auto: the step after which rank 0 is asked; -1: not yet known
  bool is_last_ = false;         // nobody tries again after this save
  BackgroundSaver saver_;
};

}  // namespace isobath
