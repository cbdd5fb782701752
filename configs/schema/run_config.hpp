#pragma once
// Everything that a run can be told. The sections are plain values with defaults; files and the command line fill them
// (configs/yaml).

#include <cstdint>
#include <string>

#include "configs/schema/checkpoint_config.hpp"
#include "configs/schema/data_config.hpp"
#include "configs/schema/depth_config.hpp"
#include "configs/schema/guard_config.hpp"
#include "configs/schema/model_config.hpp"
#include "configs/schema/optim_config.hpp"
#include "configs/schema/parallel_config.hpp"
#include "configs/schema/system_config.hpp"
#include "configs/schema/train_config.hpp"
#include "configs/schema/watchdog_config.hpp"

namespace isobath {

struct RunConfig {
  std::string name = "run";
  std::string output = "runs";
  std::int64_t seed = 1;
  ModelConfig model;
  DepthConfig depth;
  DataConfig data;
  OptimConfig optim;
  TrainConfig train;
  ParallelConfig parallel;
  EvaluationConfig evaluation;
  CheckpointConfig checkpoint;
  WatchdogConfig watchdog;
  GuardConfig guard;
  SystemConfig system;

  /// Steps after which the learning rate is at its end, the 0 of `optim.decay_steps` resolved.
  std::int64_t decay_steps() const { return optim.decay_end(train.steps); }

  static void fields(auto& self, auto&& field) {
    using enum OnResume;
    field("name", self.name, not_empty(), MayChange, "the run is kept in the folder output/name");
    field("output", self.output, not_empty(), MayChange, "folder of runs; relative to the working directory");
    field("seed", self.seed, at_least(0), Same, "source of initial weights, data order and dropout");
    field("model", self.model, "the trunk");
    field("depth", self.depth, "which tokens pass through which blocks");
    field("data", self.data, "tokens");
    field("optim", self.optim, "AdamW and its schedule");
    field("train", self.train, "the loop");
    field("parallel", self.parallel, "what is divided over ranks");
    field("evaluation", self.evaluation, "validation");
    field("checkpoint", self.checkpoint, "saved state");
    field("watchdog", self.watchdog, "limits after which a job that hangs is ended, with code 79");
    field("guard", self.guard, "runs that go astray");
    field("system", self.system, "the machine");
  }
  void check(config::Checker& checker) const;
};

/// `run` with the values that stand for others resolved (model.resolved(), decay_steps, cooldown_steps), so that two
/// configurations that mean the same compare equal, and a longer train.steps is seen to stretch a decay that ends with
/// it.
RunConfig effective(RunConfig run);

}  // namespace isobath
