#include "trainer/model/block.hpp"

#include "ops/add/add.hpp"
#include "ops/attention/attention.hpp"
#include "ops/core/ledger.hpp"
#include "ops/gather_rows/gather_rows.hpp"
#include "ops/scale_rows/scale_rows.hpp"
#include "ops/scatter_add_rows/scatter_add_rows.hpp"

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

}  // namespace

TransformerBlock::TransformerBlock(const std::string& name, const BlockShape& shape)
    : shape_(shape),
      attention_norm_(name + ".attention.norm", shape.channels),
      query_(name + ".attention.query", shape.channels, shape.channels, {.deviation = shape.deviation}),
      key_(name + ".attention.key", shape.channels, shape.channels, {.deviation = shape.deviation}),
      value_(name + ".attention.value", shape.channels, shape.channels, {.deviation = shape.deviation}),
      output_(name + ".attention.output", shape.channels, shape.channels, {.deviation = shape.residual_deviation}),
      ffn_norm_(name + ".ffn.norm", shape.channels),
      up_(name + ".ffn.up", shape.channels, shape.hidden, {.deviation = shape.deviation}),
      down_(name + ".ffn.down", shape.hidden, shape.channels, {.deviation = shape.residual_deviation}) {}

void TransformerBlock::collect(ParameterList& list) {
  attention_norm_.collect(list);
  for (Linear* layer : {&query_, &key_, &value_, &output_}) layer->collect(list);
  ffn_norm_.collect(list);
  up_.collect(list);
  down_.collect(list);
}

Tensor TransformerBlock::forward(const Tensor& h, const Route& route, float p, const DropoutKey& draws) const {
  return route.gate_on == GateOn::Block ? whole(h, route, p, draws) : branches(h, route, p, draws);
}

Tensor TransformerBlock::whole(const Tensor& h, const Route& route, float p, const DropoutKey& draws) const {
  const RowSet& rows = route.queries;
  require(same_rows(rows, route.keys), "a whole-block gate attends among its own rows");
  const Tensor x = gather_rows(h, rows);
  const Tensor normed = attention_norm_.forward(x, query_.operand_type());
  const Tensor attended = dropout(attend_normed(normed, normed, rows, rows), rows, p, draws);
  const Tensor fed = dropout(feed(add(x, attended)), rows, p, at_channel(draws, shape_.channels));
  return apply(h, add(attended, fed), rows, route.gates);
}

Tensor TransformerBlock::branches(const Tensor& h, const Route& route, float p, const DropoutKey& draws) const {
  const RowSet every = RowSet::all(route.queries.batch(), route.queries.length());
  const bool gate_attention = route.gate_on != GateOn::Ffn, gate_ffn = route.gate_on != GateOn::Attention;

  const RowSet& attending = gate_attention ? route.queries : every;
  const Tensor attended = dropout(attend(h, attending, route.keys), attending, p, draws);
  const Tensor middle = apply(h, attended, attending, gate_attention ? route.gates : Tensor{});

  const RowSet& feeding = gate_ffn ? route.queries : every;
  const Tensor fed = dropout(feed(gather_rows(middle, feeding)), feeding, p, at_channel(draws, shape_.channels));
  return apply(middle, fed, feeding, gate_ffn ? route.gates : Tensor{});
}

Tensor TransformerBlock::attend(const Tensor& stream, const RowSet& queries, const RowSet& keys) const {
  if (keys.is_all()) {  // the norm of a query row is that of its key row: gather it, do not compute it again
    const Tensor normed = attention_norm_.forward(stream, query_.operand_type());
    return attend_normed(gather_rows(normed, queries), normed, queries, keys);
  }
  const auto normed = [&](const RowSet& rows) {
    return attention_norm_.forward(gather_rows(stream, rows), query_.operand_type());
  };
  const Tensor key_rows = normed(keys), query_rows = same_rows(queries, keys) ? key_rows : normed(queries);
  return attend_normed(query_rows, key_rows, queries, keys);
}

Tensor TransformerBlock::attend_normed(const Tensor& query_rows, const Tensor& key_rows, const RowSet& queries,
                                       const RowSet& keys) const {
  Tensor q, k, v;
  {
    const WorkScope scope(Work::Projection);
    q = query_.forward(query_rows);
    k = key_.forward(key_rows);
    v = value_.forward(key_rows);
  }
  Tensor mixed;
  {
    const WorkScope scope(Work::Attention);
    mixed = attention(q, k, v, queries, keys, shape_.heads, Mask::Causal);
  }
  const WorkScope scope(Work::Projection);
  return output_.update(mixed);
}

Tensor TransformerBlock::feed(const Tensor& x) const {
  const WorkScope scope(Work::Ffn);
  return down_.update(up_.forward(ffn_norm_.forward(x, up_.operand_type()), Activation::Gelu));
}

}  // namespace isobath
