#pragma once
#include "ops/core/queue.hpp"
#include "ops/tensor/row_set.hpp"

namespace isobath {

/// base with update[i] added to row rows[i]; the other rows are bit-identical to base's.
/// base: [N, C], update: [K, C], rows: i32 [K] in [0, N), ascending without repeats (a row set).
Tensor scatter_add_rows(const Tensor& base, const Tensor& update, const RowSet& rows);

}  // namespace isobath
