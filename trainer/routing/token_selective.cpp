#include "trainer/routing/token_selective.hpp"

#include <algorithm>
#include <cmath>

#include "ops/core/ledger.hpp"
#include "ops/sigmoid/sigmoid.hpp"
#include "ops/sum/sum.hpp"
#include "trainer/layers/width_scale.hpp"

namespace isobath {
namespace {

/// The uniform start of matrices and biases that the paper's framework uses where nothing else is said: 1 /
/// sqrt(inputs).
Init uniform(std::int64_t inputs) { return {.bound = 1.0F / std::sqrt(static_cast<float>(inputs))}; }

}  // namespace

TokenSelective::TokenSelective(const TokenSelectiveConfig& config, const ModelConfig& model) : config_(config) {
  const auto wanted = static_cast<std::int64_t>(config.hidden_ratio * static_cast<double>(model.width));
  const std::int64_t hidden = std::max(config.hidden_floor, wanted);
  // 1 / sqrt(inputs) already falls with the square root of the width; muP wants its first power where outputs stay.
  const Init out = scaled(uniform(hidden), {.deviation = hidden_scale(model).deviation});
  const Init bias{.constant = static_cast<float>(config.initial_bias)};
  for (std::int64_t layer = config.stem; layer < model.layers; ++layer) {
    const std::string name = text("routers.", layer);
    gates_.push_back(std::make_unique<Gate>(
        Gate{LayerNorm(name + ".norm", model.width),
             Linear(name + ".up", model.width, hidden, uniform(model.width), uniform(model.width)),
             Linear(name + ".down", hidden, 1, out, bias)}));
    gates_.back()->up.set_rate(hidden_scale(model).rate);
    gates_.back()->down.set_rate(output_scale(model).rate);
  }
}

GateOn TokenSelective::gate_on() const {
  switch (config_.branches) {
    case GateBranches::Attention:
      return GateOn::Attention;
    case GateBranches::Ffn:
      return GateOn::Ffn;
    default:
      return GateOn::Branches;
  }
}

Route TokenSelective::route(int layer, const Streams& streams, const RoutingContext& context) const {
  const WorkScope scope(Work::Router);
  Route route = Route::dense(context.batch, context.length);
  route.gates = open_gates(layer, streams);
  route.gate_on = gate_on();
  if (config_.lambda != 0.0 && context.is_training())
    route.losses.push_back(sum(route.gates, static_cast<float>(config_.lambda / routers()), context.unit));
  return route;
}

void TokenSelective::collect(int layer, ParameterList& list) {
  if (!routes(layer)) return;
  Gate& found = *gates_[static_cast<std::size_t>(layer - config_.stem)];
  if (config_.router_input == RouterInput::Normalised) found.norm.collect(list);
  found.up.collect(list);
  found.down.collect(list);
}

Tensor TokenSelective::open_gates(int layer, const Streams& streams) const {
  const WorkScope scope(Work::Router);
  const Gate& found = gate(layer);
  const Tensor& h = config_.position == GatePosition::AfterBlock ? streams.entering : streams.earlier;
  const Tensor x = config_.router_input == RouterInput::Normalised ? found.norm.forward(h) : h;
  return one_minus_sigmoid(found.down.forward(found.up.forward(x, Activation::Relu)));
}

}  // namespace isobath
