#include "trainer/run/run_state.hpp"

#include "ops/core/files/json.hpp"

namespace isobath {
namespace {

constexpr const char* kBestValidation = "validation_loss";
constexpr const char *kFirstMoment = "adamw.first/", *kSecondMoment = "adamw.second/";

/// One parameter's part of a moment: whole, or in the parts that ranks own.
NamedTensor moment_of(const std::string& prefix, const Tensor& moment, std::size_t item,
                      const FlatParameters& parameters, const FlatShard& shard) {
  const Parameter& parameter = *parameters.parameters()[item];
  const std::string name = prefix + parameter.name;
  if (!shard.is_divided()) return {name, moment.slice(parameters.layout().piece_of(item).range.begin, parameter.shape)};
  Sharding sharding{DType::F32, parameter.shape, {}};
  for (const ParameterPart& part : shard.parts_of(item)) {
    sharding.parts.push_back({part.range.begin, part.range.end, part.rank});
    if (part.rank == shard.rank()) sharding.mine.push_back(moment.slice(part.held, {part.range.count()}));
  }
  return {name, {}, std::move(sharding)};
}

}  // namespace

std::vector<NamedTensor> weights_of(const FlatParameters& parameters) {
  std::vector<NamedTensor> out;
  for (const Parameter* parameter : parameters.parameters())
    out.push_back({parameter->name, parameter->value.detached()});
  return out;
}

std::vector<NamedTensor> training_tensors(const FlatParameters& parameters, const Optimizer& optimizer) {
  std::vector<NamedTensor> out = weights_of(parameters);
  for (const auto& [prefix, moment] :
       {std::pair{kFirstMoment, optimizer.first_moment()}, {kSecondMoment, optimizer.second_moment()}}) {
    for (std::size_t item = 0; item < parameters.parameters().size(); ++item)
      out.push_back(moment_of(prefix, moment, item, parameters, optimizer.shard()));
  }
  return out;
}

bool is_moment(std::string_view name) { return name.starts_with(kFirstMoment) || name.starts_with(kSecondMoment); }

TrainingState training_state(const RunSetup& setup, const Progression& progression) {
  const RunConfig& config = setup.config;
  TrainingState state;
  state.step = progression.steps;
  state.tokens = progression.steps * config.train.batch * config.model.context;
  state.samples = (progression.steps + progression.skipped_batches) * config.train.batch;
  state.epoch = progression.epoch;
  state.seed = state.shuffle_seed = static_cast<std::uint64_t>(config.seed);
  // Draws are keyed by the step: the generator's position is the step itself.
  state.rng_before = static_cast<std::uint64_t>(std::max<std::int64_t>(0, progression.steps - 1));
  state.rng_after = static_cast<std::uint64_t>(progression.steps);
  state.schedule_step = progression.steps;
  state.learning_rate = progression.learning_rate;
  state.config_text = setup.config_text;
  state.config_digest = setup.config_digest;
  state.dataset_fingerprint = setup.dataset.fingerprint.hex();
  state.metrics_bytes = progression.metrics_bytes;
  if (progression.best_validation) state.best[kBestValidation] = *progression.best_validation;
  state.extra = nlohmann::json{{"validated_step", progression.validated_step},
                               {"skipped_batches", progression.skipped_batches},
                               {"losses", progression.losses}}
                    .dump();
  state.router_statistics = nlohmann::json{{"depth", progression.depth}, {"gate", progression.gate}}.dump();
  return state;
}

Progression progression_of(const TrainingState& state, const RunSetup& setup) {
  if (state.dataset_fingerprint != setup.dataset.fingerprint.hex())
    throw StorageError(text("the checkpoint of step ", state.step, " was trained on a dataset with fingerprint ",
                            state.dataset_fingerprint, ", data.path holds ", setup.dataset.fingerprint.hex(),
                            "; point data.path at the first one, or start a run under another name"));
  Progression out;
  out.steps = state.step;
  out.learning_rate = state.learning_rate;
  out.epoch = state.epoch;
  out.metrics_bytes = state.metrics_bytes;
  if (const auto best = state.best.find(kBestValidation); best != state.best.end()) out.best_validation = best->second;
  const auto statistics = nlohmann::json::parse(state.router_statistics);
  out.depth = statistics.value("depth", std::vector<double>{});
  out.gate = statistics.value("gate", std::vector<double>{});
  const auto extra = nlohmann::json::parse(state.extra);
  // Before this was kept, runs were saved after their validation only.
  out.validated_step = extra.value("validated_step", state.step);
  out.skipped_batches = extra.value("skipped_batches", std::int64_t{0});
  out.losses = extra.value("losses", std::vector<double>{});
  return out;
}

}  // namespace isobath
