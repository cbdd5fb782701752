#pragma once
// What a router returns: values in row sets. The block knows row sets and gate placement, never the policy.

#include <vector>

#include "ops/tensor/row_set.hpp"

namespace isobath {

/// Which updates a gate multiplies; the residual stream itself is never scaled. A branch that is not gated runs on
/// every row.
enum class GateOn {
  Block,      ///< the sum of both branches' updates, computed on the chosen rows alone (Mixture-of-Depths)
  Branches,   ///< each residual branch (Token-Selective)
  Attention,  ///< the attention branch only
  Ffn,        ///< the feed-forward branch only
};

/// One layer's decision for a batch of N = B * T rows.
struct Route {
  RowSet queries;  ///< rows that are updated
  RowSet keys;     ///< rows that can be attended to at this layer
  Tensor gates;    ///< f32 [K] or [K, 1], one weight per row of `queries`; undefined: weight 1
  GateOn gate_on = GateOn::Branches;
  std::vector<Tensor> losses;  ///< auxiliary losses, f32 [1] each, already over their own denominators and weights

  /// Every row, weight 1.
  static Route dense(std::int64_t batch, std::int64_t length) {
    return {RowSet::all(batch, length), RowSet::all(batch, length), {}, GateOn::Branches, {}};
  }
};

}  // namespace isobath
