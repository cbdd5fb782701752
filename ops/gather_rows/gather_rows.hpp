#pragma once
#include "ops/autograd/grad_slot.hpp"
#include "ops/core/queue.hpp"
#include "ops/tensor/row_set.hpp"

namespace isobath {

/// out[i] = x[rows[i]] for x: [N, C], rows: i32 [K] with values in [0, N). Rows may repeat; gradients then add in
/// ascending i. Throws InternalError when shapes or types do not fit; on the CPU also when a row is out of range.
Tensor gather_rows(const Tensor& x, const Tensor& rows);

/// The rows of a set; x itself when the set is the identity.
Tensor gather_rows(const Tensor& x, const RowSet& rows);

/// What is known about a list of rows: `Ascending` is strict, so that no row repeats.
enum class RowOrder { Any, Ascending };

namespace kernel {
/// The same contract without checks.
template <class T>
void gather_rows(CpuQueue queue, View<const T> x, View<const std::int32_t> rows, View<T> out);
template <class T>
void gather_rows(CudaQueue queue, View<const T> x, View<const std::int32_t> rows, View<T> out);

/// grad_x[r] is (Overwrite) or grows by (Add) the sum of grad_out[i] over all i with rows[i] == r, i ascending, summed
/// in f32 and rounded to T once. Overwrite zeroes the rows that no i names.
/// grad_out: [K, C], rows: [K], grad_x: [N, C]; `order` is Ascending only if the rows are.
template <class T>
void gather_rows_backward(CpuQueue queue, View<const T> grad_out, View<const std::int32_t> rows, RowOrder order,
                          Accumulate mode, View<T> grad_x);
template <class T>
void gather_rows_backward(CudaQueue queue, View<const T> grad_out, View<const std::int32_t> rows, RowOrder order,
                          Accumulate mode, View<T> grad_x);
}  // namespace kernel

}  // namespace isobath
