#pragma once
// A run that begins where another one was saved: several budgets out of one stable phase.

#include "configs/yaml/run_config.hpp"

namespace isobath {

/// Checks that the run may branch off the checkpoint in train.start_from: it is that of a run with the same
/// configuration, but for the section optim, and this run's cool-down has not begun before it. Throws ConfigError or
/// Error (78), or StorageError when there is no checkpoint. Warns when the learning rate jumps.
void check_branch(const ResolvedConfig& run);

}  // namespace isobath
