#pragma once
// What a checkpoint of a training run holds.

#include <string_view>
#include <vector>

#include "trainer/checkpoint/checkpoint.hpp"
#include "trainer/run/run_setup.hpp"
#include "trainer/trainer.hpp"

namespace isobath {

/// The weights: every parameter under its name.
std::vector<NamedTensor> weights_of(const FlatParameters& parameters);
/// The weights, and AdamW's moments as "adamw.first/NAME" and "adamw.second/NAME".
std::vector<NamedTensor> training_tensors(const FlatParameters& parameters, const Optimizer& optimizer);

/// Whether a tensor of a checkpoint is the optimizer's, by its name.
bool is_moment(std::string_view name);

/// What changes from step to step beside tensors.
struct Progression {
  std::int64_t steps = 0;
  double learning_rate = 0.0;
  std::int64_t epoch = 0;
  std::int64_t metrics_bytes = 0;
  std::optional<double> best_validation;
  std::int64_t validated_step = 0;  ///< the last step whose weights were scored; a stopped run may have that left to do
  std::int64_t skipped_batches = 0;  ///< that a roll-back left out: the next batch is that of steps + this
  std::vector<double> losses;        ///< the window of the spike guard
  std::vector<double> depth, gate;   ///< per block, of the last step
};

TrainingState training_state(const RunSetup& setup, const Progression& progression);
/// Throws StorageError when the checkpoint belongs to another dataset or another seed.
Progression progression_of(const TrainingState& state, const RunSetup& setup);

}  // namespace isobath
