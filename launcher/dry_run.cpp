#include "launcher/dry_run.hpp"

#include <cstdio>

#include "data/dataset.hpp"
#include "launcher/units.hpp"
#include "ops/core/files/json.hpp"
#include "trainer/run/dry_run.hpp"

namespace isobath {
namespace {

/// The vocabulary as it will be: the configuration's, or that of the dataset.
RunConfig with_vocabulary(RunConfig config) {
  if (config.model.vocabulary == 0) config.model.vocabulary = read_dataset_header(config.data).vocabulary;
  return config;
}

void print_json(const DryRun& run, const RecomputeChoice& choice, const DryRunRequest& request) {
  nlohmann::ordered_json flops;
  for (std::size_t kind = 0; kind < kWorkKinds; ++kind) {
    const Work work = static_cast<Work>(kind);
    flops[name_of(work)] = {{"forward", run.step.of(work, Direction::Forward)},
                            {"backward", run.step.of(work, Direction::Backward)}};
  }
  const nlohmann::ordered_json out{{"ranks", request.ranks},
                                   {"parameters", run.parameters},
                                   {"router_parameters", run.router_parameters},
                                   {"predictor_parameters", run.predictor_parameters},
                                   {"tokens_per_step", run.tokens_per_step},
                                   {"step_flops", run.step.total()},
                                   {"dense_step_flops", run.dense_flops},
                                   {"flops", flops},
                                   {"recomputed_step_flops", run.step.recomputed()},
                                   {"recompute_block",
                                    {{"activations", choice.recomputed_activations},
                                     {"activations_without", choice.kept_activations},
                                     {"added_step_flops", choice.recomputed_flops}}},
                                   {"memory",
                                    {{"weights", run.memory.weights},
                                     {"gradients", run.memory.gradients},
                                     {"moments", run.memory.moments},
                                     {"activations", run.memory.activations},
                                     {"checkpoint_copy", run.memory.checkpoint_copy},
                                     {"peak", run.memory.peak()}}},
                                   {"checkpoint_bytes", run.checkpoint_bytes}};
  std::printf("%s\n", out.dump().c_str());
}

void print_table(const DryRun& run, const RecomputeChoice& choice, const DryRunRequest& request) {
  const auto tokens = static_cast<double>(run.tokens_per_step);
  std::printf("\nparameters          %lld (routers %lld, of these predictors %lld)\n",
              static_cast<long long>(run.parameters), static_cast<long long>(run.router_parameters),
              static_cast<long long>(run.predictor_parameters));
  std::printf("FLOPs per token     %.4g executed, %.4g without routing (forward and backward)\n",
              static_cast<double>(run.step.total()) / tokens, run.dense_flops / tokens);
  for (std::size_t kind = 0; kind < kWorkKinds; ++kind) {
    const Work work = static_cast<Work>(kind);
    const double forward = static_cast<double>(run.step.of(work, Direction::Forward)) / tokens;
    const double backward = static_cast<double>(run.step.of(work, Direction::Backward)) / tokens;
    if (forward + backward > 0) std::printf("  %-17s %.4g forward, %.4g backward\n", name_of(work), forward, backward);
  }
  std::printf("step                %lld tokens, %.4g FLOPs over %d rank%s\n",
              static_cast<long long>(run.tokens_per_step), static_cast<double>(run.step.total()), request.ranks,
              request.ranks == 1 ? "" : "s");
  std::printf(
      "memory of a rank    %.1f MiB: weights %.1f, gradients %.1f, moments %.1f, activations %.1f, "
      "checkpoint copy %.1f\n",
      mebibytes(run.memory.peak()), mebibytes(run.memory.weights), mebibytes(run.memory.gradients),
      mebibytes(run.memory.moments), mebibytes(run.memory.activations), mebibytes(run.memory.checkpoint_copy));
  std::printf("recompute: block    activations %.1f instead of %.1f MiB for %.1f %% more FLOPs; configured: %s\n",
              mebibytes(choice.recomputed_activations), mebibytes(choice.kept_activations),
              100.0 * static_cast<double>(choice.recomputed_flops) / static_cast<double>(choice.flops),
              run.step.recomputed() > 0 ? "block" : "none");
  std::printf("checkpoint          %.1f MiB\n", mebibytes(run.checkpoint_bytes));
}

}  // namespace

ExitCode print_dry_run(const ResolvedConfig& resolved, const DryRunRequest& request) {
  const RunConfig config = with_vocabulary(resolved.config);
  const DryRun run = measure_dry_run(config, request.ranks);
  const RecomputeChoice choice = measure_recompute(config, request.ranks);
  if (request.as_json) {
    print_json(run, choice, request);
  } else {
    std::fputs(dump(resolved).c_str(), stdout);
    print_table(run, choice, request);
  }
  return ExitCode::Done;
}

}  // namespace isobath
