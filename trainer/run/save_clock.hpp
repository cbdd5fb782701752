#pragma once
// What checkpoints cost a run, measured on a steady clock; and how much time its job has left.

#include <chrono>
#include <cstdint>
#include <optional>

#include "configs/schema/checkpoint_config.hpp"
#include "trainer/run/save_schedule.hpp"

namespace isobath {

/// Seconds that the job has from now: by the configuration; or else by SLURM_JOB_END_TIME (seconds since 1970), for
/// which the wall clock is read here, once; or unknown.
std::optional<double> job_seconds(const CheckpointConfig& config);

/// Rank 0's. Knows nothing of a save before the first is durable.
class SaveClock {
 public:
  explicit SaveClock(const CheckpointConfig& config);

  /// A save was requested.
  void requested();
  /// The run stood still for the save under way.
  void stalled(double seconds) { stall_ += seconds; }
  /// A step of `seconds` was done, while a save was under way or not.
  void step(double seconds);
  /// The save became durable; returns seconds since its request. Or it was given up.
  double durable();
  void given_up();
  /// Whether a save was measured.
  bool knows_cost() const { return cost_.has_value(); }
  SaveTiming timing() const;
  double seconds_since_request() const;

 private:
  using Clock = std::chrono::steady_clock;

  double mtbf_;
  Clock::time_point last_request_ = Clock::now();  // or the start
  std::optional<Clock::time_point> job_end_;
  bool is_saving_ = false;
  double stall_ = 0.0, slow_seconds_ = 0.0;  // of the save under way
  std::int64_t slow_steps_ = 0;
  double usual_step_ = 0.0;  // smoothed, without saves
  std::optional<double> cost_;
  double until_durable_ = 0.0;
};

}  // namespace isobath
