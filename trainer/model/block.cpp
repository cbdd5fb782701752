#include "trainer/model/block.hpp"

#include <cmath>

#include "ops/add/add.hpp"
#include "ops/core/ledger.hpp"
#include "ops/gather_rows/gather_rows.hpp"
#include "ops/rope/rope.hpp"
#include "ops/scale_rows/scale_rows.hpp"
#include "ops/scatter_add_rows/scatter_add_rows.hpp"
#include "ops/swiglu/swiglu.hpp"
#include "trainer/layers/width_scale.hpp"

namespace isobath {
namespace {

/// stream + gates * update on `rows`.
Tensor apply(const Tensor& stream, const Tensor& update, const RowSet& rows, const Tensor& gates) {
  const Tensor scaled = gates.defined() ? scale_rows(update, gates) : update;
  return rows.is_all() ? add(stream, scaled) : scatter_add_rows(stream, scaled, rows);
}

bool same_rows(const RowSet& a, const RowSet& b) {
  if (a.is_all() || b.is_all()) return a.is_all() && b.is_all();
  return a.rows().is_same(b.rows());
}

DropoutKey at_channel(const DropoutKey& draws, std::int64_t channel) {
  DropoutKey moved = draws;
  moved.channel0 += static_cast<std::uint64_t>(channel);
  return moved;
}

/// The layers of a block, by its shape.
Linear layer_of(const std::string& name, const BlockShape& shape, std::int64_t inputs, std::int64_t outputs,
                float deviation) {
  const Init init{.deviation = deviation};
  Linear layer =
      shape.has_biases ? Linear(name, inputs, outputs, init) : Linear::without_bias(name, inputs, outputs, init);
  layer.set_rate(shape.rate);
  return layer;
}

std::optional<ChannelNorm> head_norm(const std::string& name, const BlockShape& shape) {
  if (!shape.has_qk_norm) return std::nullopt;
  return ChannelNorm(name, shape.head_width(), NormKind::RmsNorm);
}

std::optional<Linear> gate_of(const std::string& name, const BlockShape& shape) {
  if (shape.ffn != FeedForward::Swiglu) return std::nullopt;
  return layer_of(name, shape, shape.channels, shape.hidden, shape.deviation);
}

}  // namespace

BlockShape block_shape(const ModelConfig& config) {
  const HiddenScale scale = hidden_scale(config);
  const float deviation = static_cast<float>(config.init_deviation) * scale.deviation;
  return {.channels = config.width,
          .heads = static_cast<int>(config.heads),
          .key_heads = static_cast<int>(config.key_heads()),
          .hidden = config.ffn_channels(),
          .deviation = deviation,
          .residual_deviation = deviation / std::sqrt(2.0F * static_cast<float>(config.layers)),
          .rate = scale.rate,
          .norm = config.norm_kind() == Norm::RmsNorm ? NormKind::RmsNorm : NormKind::LayerNorm,
          .ffn = config.ffn_kind(),
          .has_biases = config.has_biases(),
          .has_qk_norm = config.has_qk_norm()};
}

TransformerBlock::TransformerBlock(const std::string& name, const BlockShape& shape)
    : shape_(shape),
      attention_norm_(name + ".attention.norm", shape.channels, shape.norm),
      query_(layer_of(name + ".attention.query", shape, shape.channels, shape.channels, shape.deviation)),
      key_(layer_of(name + ".attention.key", shape, shape.channels, shape.key_channels(), shape.deviation)),
      value_(layer_of(name + ".attention.value", shape, shape.channels, shape.key_channels(), shape.deviation)),
      output_(layer_of(name + ".attention.output", shape, shape.channels, shape.channels, shape.residual_deviation)),
      query_norm_(head_norm(name + ".attention.query_norm", shape)),
      key_norm_(head_norm(name + ".attention.key_norm", shape)),
      ffn_norm_(name + ".ffn.norm", shape.channels, shape.norm),
      gate_(gate_of(name + ".ffn.gate", shape)),
      up_(layer_of(name + ".ffn.up", shape, shape.channels, shape.hidden, shape.deviation)),
      down_(layer_of(name + ".ffn.down", shape, shape.hidden, shape.channels, shape.residual_deviation)) {}

void TransformerBlock::collect(ParameterList& list) {
  attention_norm_.collect(list);
  query_.collect(list);
  if (query_norm_) query_norm_->collect(list);
  key_.collect(list);
  if (key_norm_) key_norm_->collect(list);
  value_.collect(list);
  output_.collect(list);
  ffn_norm_.collect(list);
  if (gate_) gate_->collect(list);
  up_.collect(list);
  down_.collect(list);
}

Tensor TransformerBlock::forward(const Tensor& h, const Route& route, float p, const DropoutKey& draws,
                                 const Tensor& rotary) const {
  const Pass pass{route, p, draws, rotary};
  return route.gate_on == GateOn::Block ? whole(h, pass) : branches(h, pass);
}

Tensor TransformerBlock::whole(const Tensor& h, const Pass& pass) const {
  const auto& [route, p, draws, rotary] = pass;
  const RowSet& rows = route.queries;
  require(same_rows(rows, route.keys), "a whole-block gate attends among its own rows");
  const Tensor x = gather_rows(h, rows);
  const Tensor normed = attention_norm_.forward(x, query_.operand_type());
  const Tensor attended = dropout(attend_normed(normed, normed, rows, rows, rotary), rows, p, draws);
  const Tensor fed = dropout(feed(add(x, attended)), rows, p, at_channel(draws, shape_.channels));
  return apply(h, add(attended, fed), rows, route.gates);
}

Tensor TransformerBlock::branches(const Tensor& h, const Pass& pass) const {
  const auto& [route, p, draws, rotary] = pass;
  const RowSet every = RowSet::all(route.queries.batch(), route.queries.length());
  const bool gate_attention = route.gate_on != GateOn::Ffn, gate_ffn = route.gate_on != GateOn::Attention;

  const RowSet& attending = gate_attention ? route.queries : every;
  const Tensor attended = dropout(attend(h, attending, route.keys, rotary), attending, p, draws);
  const Tensor middle = apply(h, attended, attending, gate_attention ? route.gates : Tensor{});

  const RowSet& feeding = gate_ffn ? route.queries : every;
  const Tensor fed = dropout(feed(gather_rows(middle, feeding)), feeding, p, at_channel(draws, shape_.channels));
  return apply(middle, fed, feeding, gate_ffn ? route.gates : Tensor{});
}

Tensor TransformerBlock::attend(const Tensor& stream, const RowSet& queries, const RowSet& keys,
                                const Tensor& rotary) const {
  if (keys.is_all()) {  // the norm of a query row is that of its key row: gather it, do not compute it again
    const Tensor normed = attention_norm_.forward(stream, query_.operand_type());
    return attend_normed(gather_rows(normed, queries), normed, queries, keys, rotary);
  }
  const auto normed = [&](const RowSet& rows) {
    return attention_norm_.forward(gather_rows(stream, rows), query_.operand_type());
  };
  const Tensor key_rows = normed(keys), query_rows = same_rows(queries, keys) ? key_rows : normed(queries);
  return attend_normed(query_rows, key_rows, queries, keys, rotary);
}

Tensor TransformerBlock::attend_normed(const Tensor& query_rows, const Tensor& key_rows, const RowSet& queries,
                                       const RowSet& keys, const Tensor& rotary) const {
  Tensor q, k, v;
  {
    const WorkScope scope(Work::Projection);
    q = query_of(query_rows, queries, rotary);
    k = key_of(key_rows, keys, rotary);
    v = value_.forward(key_rows);
  }
  Tensor mixed;
  {
    const WorkScope scope(Work::Attention);
    mixed = attention(q, k, v, queries, keys, shape_.heads, Mask::Causal, shape_.attention);
  }
  const WorkScope scope(Work::Projection);
  return output_.update(mixed);
}

Tensor TransformerBlock::query_of(const Tensor& rows, const RowSet& queries, const Tensor& rotary) const {
  Tensor q = query_.forward(rows);
  if (query_norm_) q = query_norm_->forward(q);
  return rotary.defined() ? rope(q, rotary, queries) : q;
}

Tensor TransformerBlock::key_of(const Tensor& rows, const RowSet& keys, const Tensor& rotary) const {
  Tensor k = key_.forward(rows);
  if (key_norm_) k = key_norm_->forward(k);
  return rotary.defined() ? rope(k, rotary, keys) : k;
}

Tensor TransformerBlock::feed(const Tensor& x) const {
  const WorkScope scope(Work::Ffn);
  const Tensor normed = ffn_norm_.forward(x, up_.operand_type());
  if (!gate_) return down_.update(up_.forward(normed, Activation::Gelu));
  return down_.update(swiglu(gate_->forward(normed), up_.forward(normed)));
}

}  // namespace isobath
