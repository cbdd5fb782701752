#pragma once
// Replay takes a routed block's rows from a recorded trace instead of from the scores; the gates stay live, so that
// gradients flow as in training. It separates what routing decides from how it decides, and lets two runs be compared
// without a flipped k-th token.

#include "trainer/routing/mixture_of_depths.hpp"
#include "trainer/routing/route_trace.hpp"

namespace isobath {

class ReplayChoice final : public RowChoice {
 public:
  explicit ReplayChoice(RouteTrace trace) : trace_(std::move(trace)) {}
  /// Throws DataError naming step, block and sample when the trace has no entry for one of the batch's sequences.
  RowSet choose(int layer, const Tensor& scores, const RoutingContext& context) const override;

 private:
  RouteTrace trace_;
};

/// Adds one routed block's decisions to `trace`; the host waits for the rows.
void record_route(RouteTrace& trace, int layer, const RowSet& rows, const RoutingContext& context);

}  // namespace isobath
