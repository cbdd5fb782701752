#include "trainer/routing/hard_rules.hpp"

#include <cmath>
#include <limits>

#include "ops/core/ledger.hpp"
#include "ops/gather_rows/gather_rows.hpp"
#include "ops/top_k/top_k.hpp"

namespace isobath {
namespace {

RowSet above(const Tensor& scores, const RoutingContext& context, float threshold) {
  const Tensor flat = scores.detached().reshaped(Shape{context.batch * context.length});
  return rows_above(flat, context.batch, context.length, threshold);
}

}  // namespace

HardTokenSelective::HardTokenSelective(const TokenSelective& trained, std::string rule, std::vector<float> thresholds,
                                       OpenWeight weight)
    : trained_(trained), rule_(std::move(rule)), thresholds_(std::move(thresholds)), weight_(weight) {}

Route HardTokenSelective::route(int layer, const Streams& streams, const RoutingContext& context) const {
  const WorkScope scope(Work::Router);
  const Tensor gates = trained_.open_gates(layer, streams);
  // "At least t" is "above the float before t".
  const float threshold =
      std::nextafter(thresholds_.at(static_cast<std::size_t>(layer)), -std::numeric_limits<float>::infinity());
  Route route = Route::dense(context.batch, context.length);
  route.queries = above(gates, context, threshold);
  if (weight_ == OpenWeight::Gate) route.gates = gather_rows(gates, route.queries);
  route.gate_on = trained_.gate_on();
  return route;
}

Route CausalMixtureOfDepths::route(int layer, const Streams& streams, const RoutingContext& context) const {
  const WorkScope scope(Work::Router);
  const Tensor r = trained_.scores(layer, streams.entering);
  const Tensor membership = source_ == MembershipSource::Score ? r : trained_.predicted(layer, streams.entering);
  return trained_.route_rows(above(membership, context, 0.0F), r);
}

}  // namespace isobath
