#include "trainer/run/run_state.hpp"

#include <nlohmann/json.hpp>

namespace isobath {
namespace {

constexpr const char* kBestValidation = "validation_loss";
constexpr const char *kFirstMoment = "adamw.first/", *kSecondMoment = "adamw.second/";

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
    for (std::size_t i = 0; i < parameters.parameters().size(); ++i) {
      const Parameter& parameter = *parameters.parameters()[i];
      out.push_back(
          {prefix + parameter.name, moment.slice(parameters.layout().piece_of(i).range.begin, parameter.shape)});
    }
  }
  return out;
}

bool is_moment(std::string_view name) { return name.starts_with(kFirstMoment) || name.starts_with(kSecondMoment); }

TrainingState training_state(const RunSetup& setup, const Progression& progression) {
  const RunConfig& config = setup.config;
  TrainingState state;
  state.step = progression.steps;
  state.tokens = progression.steps * config.train.batch * config.model.context;
  state.samples = progression.steps * config.train.batch;
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
  return out;
}

}  // namespace isobath
