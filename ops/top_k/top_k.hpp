#pragma once
#include "ops/core/queue.hpp"
#include "ops/tensor/row_set.hpp"

namespace isobath {

/// The k rows with the highest score of every sequence, exactly k, ties to the lower index, rows ascending.
/// scores: f32 [batch * length]; 1 <= k <= length. NaN ranks below every number. Not differentiable: the gate carries
/// the gradient.
RowSet top_k(const Tensor& scores, std::int64_t batch, std::int64_t length, std::int64_t k);

/// The rows whose score is above `threshold`; any number per sequence, also none. On a device other than the CPU the
/// host waits for the counts.
RowSet rows_above(const Tensor& scores, std::int64_t batch, std::int64_t length, float threshold);

}  // namespace isobath
