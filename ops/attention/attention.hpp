#pragma once
#include "ops/core/queue.hpp"
#include "ops/tensor/row_set.hpp"

namespace isobath {

/// Which keys of its own sequence a query may look at.
enum class Mask { Causal };

/// Softmax attention of query rows over key rows of the same sequence whose original position is at most the query's.
/// q: [Q, heads * D] for the rows of `queries`; k, v: [K, heads * D] for the rows of `keys`; result [Q, heads * D].
/// Scores are scaled by 1 / sqrt(D); softmax is f32. A query that sees no key yields zeros. The T x T matrix is never
/// stored: memory is linear in T. Counts 4 D heads FLOPs per visible (query, key) pair forward, 2x that backward
/// (recomputed scores are not counted as model FLOPs).
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const RowSet& queries, const RowSet& keys,
                 int heads, Mask mask);

}  // namespace isobath
