#pragma once
#include "ops/autograd/grad_slot.hpp"
#include "ops/core/queue.hpp"
#include "ops/tensor/row_set.hpp"

namespace isobath {

/// base with update[i] added to row rows[i]; the other rows are bit-identical to base's.
/// base: [N, C], update: [K, C], rows: i32 [K] in [0, N), ascending without repeats (a row set); K may be 0.
/// The gradient of base is the output's own, handed on without a copy; that of update is its gathered rows.
Tensor scatter_add_rows(const Tensor& base, const Tensor& update, const RowSet& rows);

namespace kernel {
/// The same contract without checks; out and base do not overlap.
template <class T>
void scatter_add_rows(CpuQueue queue, View<const T> base, View<const T> update, View<const std::int32_t> rows,
                      View<T> out);
template <class T>
void scatter_add_rows(CudaQueue queue, View<const T> base, View<const T> update, View<const std::int32_t> rows,
                      View<T> out);

/// grad_update[i] is (Overwrite) or grows by (Add) grad_out[rows[i]].
template <class T>
void scatter_add_rows_backward(CpuQueue queue, View<const T> grad_out, View<const std::int32_t> rows, Accumulate mode,
                               View<T> grad_update);
template <class T>
void scatter_add_rows_backward(CudaQueue queue, View<const T> grad_out, View<const std::int32_t> rows, Accumulate mode,
                               View<T> grad_update);
}  // namespace kernel

}  // namespace isobath
