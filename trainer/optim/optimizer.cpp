#include "trainer/optim/optimizer.hpp"

#include "ops/step_control/step_control.hpp"
#include "ops/sum_of_squares/sum_of_squares.hpp"

namespace isobath {
namespace {

float decay_of(WeightDecay decay, const OptimConfig& config) {
  const bool decays = decay == WeightDecay::Yes || (decay == WeightDecay::Embedding && config.decay_embeddings);
  return decays ? static_cast<float>(config.weight_decay) : 0.0F;
}

double rate_scale(ParameterGroup group, const DepthConfig& depth) {
  return group == ParameterGroup::Predictor ? depth.mixture_of_depths.predictor_lr_scale : 1.0;
}

}  // namespace

Optimizer::Optimizer(const RunConfig& config, FlatParameters& parameters)
    : parameters_(parameters),
      settings_{static_cast<float>(config.optim.beta1), static_cast<float>(config.optim.beta2),
                static_cast<float>(config.optim.epsilon)},
      max_norm_(config.optim.clip_norm),
      first_(Tensor::zeros(parameters.values().shape(), DType::F32, parameters.values().device())),
      second_(Tensor::zeros(parameters.values().shape(), DType::F32, parameters.values().device())) {
  for (const ParameterGroup group : {ParameterGroup::Main, ParameterGroup::Predictor}) {
    if (parameters.layout().group(group).count() == 0) continue;
    Group made{group, {}, rate_scale(group, config.depth)};
    for (const DecayRange& part : parameters.layout().decay_ranges(group))
      made.ranges.push_back({part.range.begin, part.range.end, decay_of(part.decay, config.optim)});
    groups_.push_back(std::move(made));
  }
}

void Optimizer::step(const StepTotals& totals, double learning_rate, std::int64_t update) {
  for (const Group& group : groups_) {
    const FlatRange where = parameters_.layout().group(group.group);
    const Tensor gradients = parameters_.gradients(group.group);
    const Tensor squares = totals.squares(group.group), control = totals.control(group.group);
    sum_of_squares(gradients, squares);
    step_control(squares, totals.loss(), {learning_rate * group.learning_rate_scale, max_norm_, update}, control);
    adamw(parameters_.values(group.group), gradients, parameters_.part(first_, where), parameters_.part(second_, where),
          group.ranges, settings_, control);
  }
}

}  // namespace isobath
