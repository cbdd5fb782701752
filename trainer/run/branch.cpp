#include "trainer/run/branch.hpp"

#include <algorithm>
#include <cmath>

#include "ops/core/log.hpp"
#include "trainer/checkpoint/catalog/verify.hpp"
#include "trainer/optim/schedule.hpp"

namespace isobath {
namespace {

void check_cooldown(const RunConfig& config, const TrainingState& from) {
  if (config.optim.schedule != Schedule::WarmupStableDecay) return;
  const std::int64_t begin = config.decay_steps() - config.optim.cooldown(config.train.steps);
  if (begin < from.step)
    throw Error(ExitCode::Config,
                text("the cool-down begins at step ", begin, ", before step ", from.step, " of ",
                     config.train.start_from, "; set optim.cooldown_steps to at most ",
                     std::max<std::int64_t>(0, config.decay_steps() - from.step), ", or train for more steps"));
}

void warn_of_a_jump(const RunConfig& config, const TrainingState& from) {
  if (from.step == 0) return;
  const double here = learning_rate_at(config.optim, config.train.steps, from.step - 1);
  // One step of a schedule moves the rate by far less than a hundredth, once it is warm.
  if (std::abs(here - from.learning_rate) > 0.01 * here)
    log_warning(text("the learning rate of step ", from.step, " was ", from.learning_rate, " in ",
                     config.train.start_from, " and is ", here, " by this run's schedule"));
}

}  // namespace

void check_branch(const ResolvedConfig& run) {
  const TrainingState from = read_manifest(run.config.train.start_from).state;
  require_branchable(parse_run_config(from.config_text, run.config.train.start_from).config, run);
  check_cooldown(run.config, from);
  warn_of_a_jump(run.config, from);
}

}  // namespace isobath
