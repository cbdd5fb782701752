#pragma once
#include "ops/core/queue.hpp"
#include "ops/tensor/row_set.hpp"

namespace isobath {

/// scale * sum over all rows of BCE(sigmoid(logits[i]), 1 if row i is in `chosen` else 0), a scalar f32 [1]; stable for
/// large logits. logits: f32 [batch * length] (or [.., 1]); scale is a host constant times the device scalar `unit`,
/// f32 [1] (1 / global count of tokens).
Tensor bce_with_logits(const Tensor& logits, const RowSet& chosen, float scale, const Tensor& unit);

}  // namespace isobath
