#include "trainer/model/transformer.hpp"

#include "ops/add/add.hpp"
#include "ops/autograd/tape.hpp"
#include "ops/core/ledger.hpp"
#include "ops/embedding/embedding.hpp"
#include "ops/rope/rope.hpp"
#include "ops/scale_rows/scale_rows.hpp"
#include "trainer/layers/width_scale.hpp"

namespace isobath {
namespace {

Parameter table(const std::string& name, std::int64_t rows, const ModelConfig& config) {
  const Init init{.deviation = static_cast<float>(config.init_deviation)};
  return {name, Shape{rows, config.width}, init, WeightDecay::Embedding, ParameterGroup::Main, {}, {}};
}

/// Position of every row: 0 .. length - 1, repeated for each sequence.
Tensor positions_of(const RoutingContext& context, Device device) {
  std::vector<std::int32_t> positions(static_cast<std::size_t>(context.batch * context.length));
  for (std::size_t row = 0; row < positions.size(); ++row)
    positions[row] = static_cast<std::int32_t>(row % static_cast<std::size_t>(context.length));
  return Tensor::from(Shape{context.batch * context.length}, positions, device);
}

/// What layer `layer` draws from; nothing where nothing is dropped.
DropoutKey draws_of(std::int64_t layer, const Tensor& keys, const RoutingContext& context) {
  return {keys.defined() ? keys.slice(layer, Shape{1}) : Tensor(), 0, context.samples};
}

/// What a block has to know of a decision. The losses stay with whoever adds them up.
Route without_losses(const Route& route) { return {route.queries, route.keys, route.gates, route.gate_on, {}}; }

/// The rows of x times `scale`.
Tensor scaled(const Tensor& x, float scale) {
  if (scale == 1.0F) return x;
  const std::vector<float> all(static_cast<std::size_t>(x.dim(0)), scale);
  return scale_rows(x, Tensor::from(Shape{x.dim(0)}, all, x.device()));
}

}  // namespace

Transformer::Transformer(const ModelConfig& config, Recompute recompute, AttentionBy attention)
    : config_(config),
      recompute_(recompute),
      token_table_(table("embedding.tokens", config.vocabulary, config)),
      norm_("norm", config.width, block_shape(config).norm) {
  if (config.position_kind() == Positions::Learned)
    position_table_ = table("embedding.positions", config.context, config);
  if (!config.has_tied_head())
    head_ = Linear::without_bias("head", config.width, config.vocabulary,
                                 {.deviation = static_cast<float>(config.init_deviation)});
  BlockShape shape = block_shape(config);
  shape.attention = attention;
  for (std::int64_t layer = 0; layer < config.layers; ++layer)
    blocks_.push_back(std::make_unique<TransformerBlock>(text("blocks.", layer), shape));
}

void Transformer::collect(ParameterList& list, TrainableRouter& router) {
  list.push_back(&token_table_);
  if (position_table_) list.push_back(&*position_table_);
  for (int layer = 0; layer < config_.layers; ++layer) {
    router.collect(layer, list);
    blocks_[static_cast<std::size_t>(layer)]->collect(list);
  }
  norm_.collect(list);
  if (head_) head_->collect(list);
}

ModelOutput Transformer::forward(const ModelInput& input, const Router& router, Phase phase, std::uint64_t seed) const {
  const RoutingContext& context = input.context;
  require(context.length <= config_.context, "sequence of ", context.length, " tokens in a model of context ",
          config_.context);
  const float p = phase == Phase::Training ? static_cast<float>(config_.dropout) : 0.0F;
  Tensor keys = input.keys;
  if (p > 0.0F && !keys.defined())
    keys = dropout_keys(seed, context.step, config_.layers + 1, token_table_.value.device());
  ModelOutput out;
  Tensor h =
      dropout(embed(input), RowSet::all(context.batch, context.length), p, draws_of(config_.layers, keys, context));
  const Tensor angles = rotary(context.length);
  Tensor earlier = h;
  for (int layer = 0; layer < config_.layers; ++layer) {
    Route route =
        router.routes(layer) ? router.route(layer, {h, earlier}, context) : Route::dense(context.batch, context.length);
    earlier = h;
    // The decision is an input of the block: it is made once, however often the block runs.
    const auto pass = [&block = *blocks_[static_cast<std::size_t>(layer)], entering = h, taken = without_losses(route),
                       p, key = draws_of(layer, keys, context),
                       angles] { return block.forward(entering, taken, p, key, angles); };
    h = recompute_ == Recompute::Block ? recomputed("block", pass) : pass();
    if (!router.routes(layer)) continue;
    for (Tensor& loss : route.losses) out.losses.push_back(std::move(loss));
    route.losses.clear();
    out.routed.push_back({layer, std::move(route)});
  }
  out.hidden = norm_.forward(h, token_table_.operand.dtype());
  return out;
}

Tensor Transformer::logits(const Tensor& hidden) const {
  const WorkScope scope(Work::Head);
  const Tensor x = scaled(hidden, logit_scale(config_));
  return head_ ? head_->update(x) : linear(x, token_table_.operand, {}, Activation::None, DType::F32);
}

Tensor Transformer::embed(const ModelInput& input) const {
  const Tensor tokens = embedding(token_table_.value, input.tokens);
  if (!position_table_) return tokens;
  const Tensor places = positions_of(input.context, token_table_.value.device());
  return add(tokens, embedding(position_table_->value, places));
}

Tensor Transformer::rotary(std::int64_t length) const {
  if (position_table_) return {};
  return rope_table(length, config_.head_width(), config_.rope_base, token_table_.value.device());
}

}  // namespace isobath
