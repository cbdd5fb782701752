#include "trainer/run/trained_run.hpp"

#include "ops/core/log.hpp"
#include "parallel/agreement.hpp"
#include "trainer/checkpoint/catalog/find.hpp"
#include "trainer/checkpoint/tensors/host_copies.hpp"
#include "trainer/run/device_ranks.hpp"
#include "trainer/run/run_state.hpp"
#include "trainer/run/training_run.hpp"

namespace isobath {
namespace {

/// Training batches that the quantile rule is calibrated on: some ten thousand tokens at the sizes of the examples.
constexpr std::int64_t kCalibrationBatches = 4;

/// Every rank has found the same lack; rank 0 says so.
[[noreturn]] void fail_alike(const Communicator& ranks, const std::string& what) {
  throw AgreedError(ExitCode::Data, what, 0, ranks.rank() == 0 ? Voice::Speaks : Voice::Silent);
}

}  // namespace

RunSetup set_up_trained_run(const std::filesystem::path& root, std::optional<DeviceChoice> device,
                            Communicator& ranks) {
  const std::filesystem::path config = RunPaths(root).config();
  std::vector<std::string> changes;
  if (device) changes.push_back(text("system.device=", name_of(*device)));
  return set_up_run(
      [&] {
        if (!std::filesystem::exists(config))
          throw DataError(text(root.string(), ": is no run: there is no ", config.string(),
                               "; name a folder that isobath train made"));
        return load_run_config(config, changes);
      },
      ranks);
}

TrainedRun::TrainedRun(const std::filesystem::path& root, RunSetup setup, Communicator& ranks)
    : setup_(std::move(setup)),
      device_ranks_(ranks_on_device(device_of(setup_.config.system.device), ranks, setup_.config.watchdog)),
      ranks_(device_ranks_ ? *device_ranks_ : ranks) {
  const std::filesystem::path checkpoints = RunPaths(root).checkpoints();
  const LatestCheckpoint latest = find_latest(checkpoints, setup_.config.checkpoint.verify, ranks);
  for (const SkippedCheckpoint& skipped : latest.skipped)
    if (ranks.rank() == 0) log_warning(text("skipping ", skipped.directory.string(), ": ", skipped.reason));
  if (!latest.directory)
    fail_alike(ranks, text(checkpoints.string(), ": holds no usable checkpoint; train the run first"));
  auto trace = on_every_rank(ranks, [&] { return trace_of(setup_.config.depth); });
  const Device device = device_of(setup_.config.system.device);
  replica_ = std::make_unique<Replica>(setup_.config, device, ranks.size(), std::move(trace));
  const std::vector<NamedTensor> weights = weights_of(replica_->parameters), host = on_host(weights);
  step_ = load_checkpoint(*latest.directory, host, ranks, Unlisted::Ignore).step;
  copy_back(host, weights);
  replica_->parameters.refresh_operands();
}

std::vector<Evaluation> TrainedRun::evaluate_rules(std::int64_t windows) const {
  if (!setup_.dataset.has_validation())
    fail_alike(ranks_, "no validation data: data.validation_fraction is 0 and there is no validation file");
  const ValidationWindows all(setup_.dataset.validation, setup_.config.model.context);
  const ValidationWindows chosen = windows > 0 ? all.evenly_spaced(windows) : all;
  const RuleSet rules = rules_of(*replica_, thresholds());
  const std::int64_t batch = evaluation_batch(setup_.config, ranks_.size());
  std::vector<Evaluation> out;
  for (const Router* rule : rules.all) {
    out.push_back(evaluate(*replica_, *rule, chosen, batch, ranks_));
    out.back().is_deployable = rule == rules.deployable;
  }
  return out;
}

std::vector<float> TrainedRun::thresholds() const {
  Loader loader(setup_.dataset.train, loader_options(setup_.config, ranks_));
  return quantile_thresholds(*replica_, loader, kCalibrationBatches, ranks_);
}

}  // namespace isobath
