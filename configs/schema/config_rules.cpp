// The rules that look at more than one field.

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "configs/schema/fields/scalar_text.hpp"
#include "configs/schema/run_config.hpp"

namespace isobath {
namespace {

using config::print;

void check_depth(const RunConfig& run, config::Checker& checker) {
  const TokenSelectiveConfig& selective = run.depth.token_selective;
  const MixtureOfDepthsConfig& mixture = run.depth.mixture_of_depths;
  const std::string layers = print(run.model.layers);
  if (run.depth.policy == DepthPolicy::TokenSelective)
    checker.rule(selective.stem <= run.model.layers, {"depth.token_selective.stem", "model.layers", "depth.policy"},
                 {"at most model.layers = " + layers, print(selective.stem), "lower the stem, or add layers"});
  if (run.depth.policy != DepthPolicy::MixtureOfDepths) return;
  checker.rule(
      mixture.first < run.model.layers, {"depth.mixture_of_depths.first", "model.layers", "depth.policy"},
      {"an index below model.layers = " + layers, print(mixture.first), "choose an earlier block, or policy dense"});
  const double least = 1.0 / static_cast<double>(run.model.context);
  checker.rule(mixture.tokens_kept(run.model.context) >= 1,
               {"depth.mixture_of_depths.capacity", "model.context", "depth.policy"},
               {"a share that selects at least one of model.context = " + print(run.model.context) + " tokens",
                print(mixture.capacity) + ", which selects none",
                "choose at least " + print(least) + " (1 of " + print(run.model.context) + "), or a longer context"});
}

void check_schedule(const RunConfig& run, config::Checker& checker) {
  const std::int64_t warmup = run.optim.warmup_steps;
  checker.rule(
      warmup <= run.train.steps, {"optim.warmup_steps", "train.steps"},
      {"at most train.steps = " + print(run.train.steps), print(warmup), "warm up for fewer steps, or train longer"});
  checker.rule(run.optim.decay_steps == 0 || warmup <= run.optim.decay_steps,
               {"optim.warmup_steps", "optim.decay_steps"},
               {"at most optim.decay_steps = " + print(run.optim.decay_steps), print(warmup),
                "decay_steps counts from the first step, warm-up included"});
  if (run.optim.schedule != Schedule::WarmupStableDecay) return;
  const std::int64_t cooldown = run.optim.cooldown(run.train.steps),
                     room = std::max<std::int64_t>(0, run.decay_steps() - warmup);
  checker.rule(cooldown <= room, {"optim.cooldown_steps", "optim.schedule", "optim.warmup_steps", "train.steps"},
               {"at most " + print(room) + ", the steps between the warm-up and the end of the decay", print(cooldown),
                "cool down or warm up for fewer steps, or train longer"});
}

void check_attention(const RunConfig& run, config::Checker& checker) {
  if (run.system.attention != AttentionChoice::Cudnn) return;
  checker.rule(run.system.dtype == DTypeChoice::Bf16, {"system.attention", "system.dtype"},
               {"own, or system.dtype: bf16", "cudnn with system.dtype: f32",
                "cuDNN has no attention in f32: set system.dtype: bf16, or system.attention: own"});
  const std::int64_t width = run.model.width / std::max<std::int64_t>(1, run.model.heads);
  checker.rule(width % 8 == 0 && width <= 128, {"system.attention", "model.width", "model.heads"},
               {"own, or heads of a multiple of 8 columns, at most 128", "cudnn with heads of " + print(width),
                "set system.attention: own, or choose another model.heads"});
}

void check_cuda_graph(const RunConfig& run, config::Checker& checker) {
  if (run.system.cuda_graph != CudaGraphChoice::MicroBatch) return;
  checker.rule(run.depth.policy != DepthPolicy::Replay, {"system.cuda_graph", "depth.policy"},
               {"none, or a depth.policy other than replay", "micro_batch with depth.policy: replay",
                "what a recorded trace chooses differs in size from step to step: set system.cuda_graph: none"});
  checker.rule(run.parallel.zero != 2, {"system.cuda_graph", "parallel.zero"},
               {"none, or parallel.zero of 0 or 1", "micro_batch with parallel.zero: 2",
                "divided gradients have no lasting place: set parallel.zero: 1, or system.cuda_graph: none"});
  checker.rule(run.system.attention == AttentionChoice::Own, {"system.cuda_graph", "system.attention"},
               {"none, or system.attention: own", "micro_batch with system.attention: cudnn",
                "calls of cuDNN are not recorded: set system.attention: own, or system.cuda_graph: none"});
}

}  // namespace

std::int64_t MixtureOfDepthsConfig::tokens_kept(std::int64_t context) const {
  // capacity carries half an ulp from its decimal, the product another: one epsilon relative covers both.
  constexpr double kRounding = 1.0 + std::numeric_limits<double>::epsilon();
  return static_cast<std::int64_t>(std::floor(capacity * static_cast<double>(context) * kRounding));
}

void DataConfig::check(config::Checker& checker) const {
  checker.rule(!path.empty() || !sources.empty(), {"path", "sources"},
               {"a path, or a list of sources", "nothing",
                "set data.path to a folder made by isobath prepare, or to a token file"});
  checker.rule(path.empty() || sources.empty(), {"path", "sources"},
               {"a path or a list of sources", "both", "leave data.path out, or make it one of the sources"});
  checker.rule(sources.size() == weights.size(), {"weights", "sources"},
               {"one weight for each of the " + std::to_string(sources.size()) + " sources",
                std::to_string(weights.size()), "write data.weights as a list as long as data.sources"});
}

void DepthConfig::check(config::Checker& checker) const {
  checker.rule(policy != DepthPolicy::Replay || !replay.trace.empty(), {"replay.trace", "policy"},
               {"the file of a recorded trace, for depth.policy is replay", "nothing",
                "set depth.replay.trace, or choose another depth.policy"});
}

void TrainConfig::check(config::Checker& checker) const {
  checker.rule(micro_batches <= batch, {"micro_batches", "batch"},
               {"at most train.batch = " + print(batch), print(micro_batches),
                "every part needs a sequence: use fewer parts, or a larger batch"});
}

void RunConfig::check(config::Checker& checker) const {
  const bool folder = name.find('/') == std::string::npos && name != "." && name != "..";
  checker.rule(folder, {"name"},
               {"the name of one folder", config::in_quotes(name), "put the path in output, the last part in name"});
  const bool held_out = data.validation_path.empty() && data.validation_fraction > 0;
  checker.rule(!held_out || data.validation_block > model.context, {"data.validation_block", "model.context"},
               {"more than model.context = " + print(model.context), print(data.validation_block),
                "a held-out block must hold a window and its targets: use a larger block"});
  check_depth(*this, checker);
  check_schedule(*this, checker);
  check_attention(*this, checker);
  check_cuda_graph(*this, checker);
}

RunConfig effective(RunConfig run) {
  run.model = run.model.resolved();
  if (run.optim.schedule == Schedule::WarmupStableDecay) run.optim.cooldown_steps = run.optim.cooldown(run.train.steps);
  run.optim.decay_steps = run.optim.schedule == Schedule::Constant ? 0 : run.decay_steps();
  return run;
}

}  // namespace isobath
