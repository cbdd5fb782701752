#include "ops/core/cuda/rows.cuh"
#include "ops/core/cuda/search.cuh"
#include "ops/gather_rows/gather_rows.hpp"
#include "ops/gather_rows/sum_by_row.cuh"
#include "ops/tensor/matrix.cuh"

namespace isobath::kernel {
namespace {

using cuda::Matrix;

template <int kLength, class T>
__global__ void __launch_bounds__(cuda::kRowThreads)
    copy_rows(Matrix<const T> x, const std::int32_t* rows, Matrix<T> out) {
  const std::int64_t i = cuda::row_of_warp();
  if (i < out.rows) cuda::copy_row<kLength>(x.row(rows[i]), out.row(i), out.columns);
}

// Each row of grad_x asks which of the ascending rows names it, so that it is written once: a copy, or zero.
template <int kLength, class T>
__global__ void __launch_bounds__(cuda::kRowThreads)
    overwrite_ascending(Matrix<const T> grad_out, const std::int32_t* rows, Matrix<T> grad_x) {
  const std::int64_t row = cuda::row_of_warp();
  if (row >= grad_x.rows) return;
  const std::int64_t i = cuda::lower_bound(rows, grad_out.rows, row);
  const bool named = i < grad_out.rows && rows[i] == row;
  cuda::copy_row<kLength>(named ? grad_out.row(i) : nullptr, grad_x.row(row), grad_x.columns);
}

template <int kLength, class T>
__global__ void __launch_bounds__(cuda::kRowThreads)
    add_ascending(Matrix<const T> grad_out, const std::int32_t* rows, Matrix<T> grad_x) {
  const std::int64_t i = cuda::row_of_warp();
  if (i >= grad_out.rows) return;
  const T* from = grad_out.row(i);
  T* to = grad_x.row(rows[i]);
  cuda::for_packs_of_lane<kLength>(
      grad_x.columns, [&](std::int64_t c) { cuda::put(to + c, Accumulate::Add, cuda::load<kLength>(from + c)); });
}

}  // namespace

template <class T>
void gather_rows(CudaQueue queue, View<const T> x, View<const std::int32_t> rows, View<T> out) {
  if (out.count() == 0) return;
  const Matrix<const T> from(x);
  const Matrix<T> to(out);
  cuda::with_length<T>(
      [&](auto length) {
        cuda::launch("gather_rows", &copy_rows<length(), T>, cuda::a_warp_per_row(to.rows), queue, from, rows.data, to);
      },
      from, to);
}

template <class T>
void gather_rows_backward(CudaQueue queue, View<const T> grad_out, View<const std::int32_t> rows, RowOrder order,
                          Accumulate mode, View<T> grad_x) {
  const bool nothing_to_add = mode == Accumulate::Add && grad_out.count() == 0;
  if (grad_x.count() == 0 || nothing_to_add) return;
  const Matrix<const T> from(grad_out);
  const Matrix<T> to(grad_x);
  cuda::with_length<T>(
      [&](auto length) {
        if (order == RowOrder::Any)
          cuda::launch("gather_rows_backward", &sum_by_row<length(), T>,
                       blocks_of_sum_by_row<length()>(to.rows, to.columns), queue, from, rows.data, mode, to);
        else if (mode == Accumulate::Add)
          cuda::launch("gather_rows_backward", &add_ascending<length(), T>, cuda::a_warp_per_row(from.rows), queue,
                       from, rows.data, to);
        else
          cuda::launch("gather_rows_backward", &overwrite_ascending<length(), T>, cuda::a_warp_per_row(to.rows), queue,
                       from, rows.data, to);
      },
      from, to);
}

template void gather_rows<float>(CudaQueue, View<const float>, View<const std::int32_t>, View<float>);
template void gather_rows<bfloat16>(CudaQueue, View<const bfloat16>, View<const std::int32_t>, View<bfloat16>);
template void gather_rows_backward<float>(CudaQueue, View<const float>, View<const std::int32_t>, RowOrder, Accumulate,
                                          View<float>);
template void gather_rows_backward<bfloat16>(CudaQueue, View<const bfloat16>, View<const std::int32_t>, RowOrder,
                                             Accumulate, View<bfloat16>);

}  // namespace isobath::kernel
