#pragma once
// When the state of a run is written and how it is checked before it is read.

#include <array>
#include <cstdint>

#include "configs/schema/enum_names.hpp"
#include "configs/schema/field_rule.hpp"

namespace isobath {

enum class VerifyLevel { Size, Full };
constexpr auto enum_names(VerifyLevel) {
  return std::array{EnumName{VerifyLevel::Size, "size"}, EnumName{VerifyLevel::Full, "full"}};
}

/// What decides when the next checkpoint is due.
enum class SaveInterval { Steps, Auto };
constexpr auto enum_names(SaveInterval) {
  return std::array{EnumName{SaveInterval::Steps, "steps"}, EnumName{SaveInterval::Auto, "auto"}};
}

/// What a run does when a checkpoint could not be written.
enum class OnSaveFailure { Warn, Stop };
constexpr auto enum_names(OnSaveFailure) {
  return std::array{EnumName{OnSaveFailure::Warn, "warn"}, EnumName{OnSaveFailure::Stop, "stop"}};
}

struct CheckpointConfig {
  SaveInterval interval = SaveInterval::Steps;
  std::int64_t every = 500;
  double mtbf_hours = 24.0;
  double walltime_hours = 0.0;
  bool background = true;
  std::int64_t retries = 2;
  double retry_after = 5.0;
  OnSaveFailure on_failure = OnSaveFailure::Warn;
  std::int64_t keep_last = 3;
  std::int64_t keep_every = 0;
  bool at_end = true;
  VerifyLevel verify = VerifyLevel::Full;

  static void fields(auto& self, auto&& field) {
    using enum OnResume;
    field("interval", self.interval, anything(), MayChange,
          "steps: by `every`; auto: by what a checkpoint costs and how often a job of this size fails");
    field("every", self.every, at_least(0), MayChange,
          "steps between two checkpoints, with interval steps; 0: none on a schedule");
    field("mtbf_hours", self.mtbf_hours, above(0), MayChange,
          "mean time between failures of the whole job, for interval auto: sqrt(2 x cost of a checkpoint x this)");
    field("walltime_hours", self.walltime_hours, at_least(0), MayChange,
          "time this job has from its start, for interval auto; 0: what Slurm says in SLURM_JOB_END_TIME, if it does");
    field("background", self.background, anything(), MayChange,
          "train on while a checkpoint is written from a copy of the state; false: wait for it");
    field("retries", self.retries, at_least(0), MayChange, "attempts to write a checkpoint again that failed");
    field("retry_after", self.retry_after, at_least(0), MayChange,
          "seconds before the first of these; before each further one twice as many, up to a minute; training goes on "
          "meanwhile, and a run that is asked to stop tries at once");
    field("on_failure", self.on_failure, anything(), MayChange,
          "when these are used up; warn: train on; stop: end the run with exit code 74");
    field("keep_last", self.keep_last, at_least(1), MayChange, "newest complete checkpoints that are kept");
    field("keep_every", self.keep_every, at_least(0), MayChange,
          "checkpoints of steps that are a multiple of this are kept for good; 0: none");
    field("at_end", self.at_end, anything(), MayChange, "write one after the last step");
    field("verify", self.verify, anything(), MayChange,
          "before resuming; size: files are present and whole by size; full: every digest as well");
  }
};

}  // namespace isobath
