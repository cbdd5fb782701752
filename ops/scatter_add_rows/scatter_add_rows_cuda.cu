#include "ops/core/cuda/rows.cuh"
#include "ops/core/cuda/search.cuh"
#include "ops/gather_rows/gather_rows.hpp"
#include "ops/scatter_add_rows/scatter_add_rows.hpp"
#include "ops/tensor/matrix.cuh"

namespace isobath::kernel {
namespace {

using cuda::Matrix;

// Each row asks which of the ascending rows names it, so that it is written once; one that none names keeps its bits.
template <int kLength, class T>
__global__ void __launch_bounds__(cuda::kRowThreads)
    add_rows(Matrix<const T> base, Matrix<const T> update, const std::int32_t* rows, Matrix<T> out) {
  const std::int64_t row = cuda::row_of_warp();
  if (row >= base.rows) return;
  const std::int64_t i = cuda::lower_bound(rows, update.rows, row);
  const bool named = i < update.rows && rows[i] == row;
  const T *const old = base.row(row), *const more = update.row(i);
  T* const to = out.row(row);
  cuda::for_packs_of_lane<kLength>(base.columns, [=](std::int64_t c) {
    if (!named) return cuda::copy_word<kLength>(old + c, to + c);
    auto sum = cuda::load<kLength>(old + c);
    cuda::add_to(sum, cuda::load<kLength>(more + c));
    cuda::store(to + c, sum);
  });
}

template <int kLength, class T>
__global__ void __launch_bounds__(cuda::kRowThreads)
    add_gathered(Matrix<const T> grad_out, const std::int32_t* rows, Matrix<T> grad_update) {
  const std::int64_t i = cuda::row_of_warp();
  if (i >= grad_update.rows) return;
  const T* from = grad_out.row(rows[i]);
  cuda::for_packs_of_lane<kLength>(grad_update.columns, [&](std::int64_t c) {
    cuda::put(grad_update.row(i) + c, Accumulate::Add, cuda::load<kLength>(from + c));
  });
}

}  // namespace

template <class T>
void scatter_add_rows(CudaQueue queue, View<const T> base, View<const T> update, View<const std::int32_t> rows,
                      View<T> out) {
  if (base.count() == 0) return;
  const Matrix<const T> from(base), more(update);
  const Matrix<T> to(out);
  cuda::with_length<T>(
      [&](auto length) {
        cuda::launch("scatter_add_rows", &add_rows<length(), T>, cuda::a_warp_per_row(from.rows), queue, from, more,
                     rows.data, to);
      },
      from, more, to);
}

template <class T>
void scatter_add_rows_backward(CudaQueue queue, View<const T> grad_out, View<const std::int32_t> rows, Accumulate mode,
                               View<T> grad_update) {
  if (mode == Accumulate::Overwrite) return gather_rows<T>(queue, grad_out, rows, grad_update);
  if (grad_update.count() == 0) return;
  const Matrix<const T> from(grad_out);
  const Matrix<T> to(grad_update);
  cuda::with_length<T>(
      [&](auto length) {
        cuda::launch("scatter_add_rows_backward", &add_gathered<length(), T>, cuda::a_warp_per_row(to.rows), queue,
                     from, rows.data, to);
      },
      from, to);
}

template void scatter_add_rows<float>(CudaQueue, View<const float>, View<const float>, View<const std::int32_t>,
                                      View<float>);
template void scatter_add_rows<bfloat16>(CudaQueue, View<const bfloat16>, View<const bfloat16>,
                                         View<const std::int32_t>, View<bfloat16>);
template void scatter_add_rows_backward<float>(CudaQueue, View<const float>, View<const std::int32_t>, Accumulate,
                                               View<float>);
template void scatter_add_rows_backward<bfloat16>(CudaQueue, View<const bfloat16>, View<const std::int32_t>, Accumulate,
                                                  View<bfloat16>);

}  // namespace isobath::kernel
