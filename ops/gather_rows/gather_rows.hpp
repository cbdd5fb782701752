#pragma once
#include "ops/core/queue.hpp"
#include "ops/tensor/row_set.hpp"

namespace isobath {

/// out[i] = x[rows[i]] for x: [N, C], rows: i32 [K] with values in [0, N). Rows may repeat; gradients then add in
/// ascending i.
Tensor gather_rows(const Tensor& x, const Tensor& rows);

/// The rows of a set; x itself when the set is the identity.
Tensor gather_rows(const Tensor& x, const RowSet& rows);

namespace kernel {
/// The same contract without checks.
template <class T>
void gather_rows(CpuQueue queue, View<const T> x, View<const std::int32_t> rows, View<T> out);
template <class T>
void gather_rows(CudaQueue queue, View<const T> x, View<const std::int32_t> rows, View<T> out);
}  // namespace kernel

}  // namespace isobath
