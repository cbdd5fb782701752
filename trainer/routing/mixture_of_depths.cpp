#include "trainer/routing/mixture_of_depths.hpp"

#include <algorithm>

#include "ops/bce_with_logits/bce_with_logits.hpp"
#include "ops/core/ledger.hpp"
#include "ops/gather_rows/gather_rows.hpp"
#include "ops/top_k/top_k.hpp"
#include "trainer/layers/width_scale.hpp"

namespace isobath {

MixtureOfDepths::MixtureOfDepths(const MixtureOfDepthsConfig& config, const ModelConfig& model,
                                 std::unique_ptr<RowChoice> choice)
    : config_(config), choice_(std::move(choice)) {
  const Init init{.deviation = static_cast<float>(model.init_deviation)};
  const auto wanted = static_cast<std::int64_t>(config.predictor_hidden_ratio * static_cast<double>(model.width));
  const std::int64_t hidden = std::max<std::int64_t>(1, wanted);
  const HiddenScale inside = hidden_scale(model), outwards = output_scale(model);
  for (std::int64_t layer = config.first; layer < model.layers; layer += config.every) {
    const std::string name = text("routers.", layer);
    gates_.push_back(
        std::make_unique<Gate>(Gate{Linear::without_bias(name + ".score", model.width, 1, scaled(init, outwards)),
                                    Linear(name + ".predictor.up", model.width, hidden, scaled(init, inside)),
                                    Linear(name + ".predictor.down", hidden, 1, scaled(init, outwards))}));
    Gate& gate = *gates_.back();
    gate.score.set_rate(outwards.rate);
    gate.predict_up.set_rate(inside.rate);
    gate.predict_down.set_rate(outwards.rate);
    gate.predict_up.set_group(ParameterGroup::Predictor);
    gate.predict_down.set_group(ParameterGroup::Predictor);
  }
}

Route MixtureOfDepths::route(int layer, const Streams& streams, const RoutingContext& context) const {
  const WorkScope scope(Work::Router);
  const Tensor& h = streams.entering;
  const Tensor r = scores(layer, h);
  const RowSet rows = choice_ && context.is_training()
                          ? choice_->choose(layer, r, context)
                          : top_k(r.detached().reshaped(Shape{context.batch * context.length}), context.batch,
                                  context.length, chosen_of(context.length));
  Route route = route_rows(rows, r);
  if (!context.is_training()) return route;
  const float share = 1.0F / static_cast<float>(routed_layers());
  if (has_auxiliary())
    route.losses.push_back(
        bce_with_logits(r, rows, static_cast<float>(config_.auxiliary_weight) * share, context.unit));
  if (has_predictor()) route.losses.push_back(bce_with_logits(predicted(layer, h), rows, share, context.unit));
  return route;
}

void MixtureOfDepths::collect(int layer, ParameterList& list) {
  if (!routes(layer)) return;
  Gate& found = *gates_[static_cast<std::size_t>((layer - config_.first) / config_.every)];
  found.score.collect(list);
  if (!has_predictor()) return;
  found.predict_up.collect(list);
  found.predict_down.collect(list);
}

Tensor MixtureOfDepths::scores(int layer, const Tensor& h) const {
  const WorkScope scope(Work::Router);
  return gate(layer).score.forward(h);
}

Tensor MixtureOfDepths::predicted(int layer, const Tensor& h) const {
  const WorkScope scope(Work::Router);
  const Gate& found = gate(layer);
  return found.predict_down.forward(found.predict_up.forward(h.detached(), Activation::Relu));
}

std::int64_t MixtureOfDepths::chosen_of(std::int64_t length) const {
  return std::max<std::int64_t>(1, config_.tokens_kept(length));
}

Route MixtureOfDepths::route_rows(const RowSet& rows, const Tensor& scores) const {
  return {rows, rows, gather_rows(scores, rows), GateOn::Block, {}};
}

}  // namespace isobath
