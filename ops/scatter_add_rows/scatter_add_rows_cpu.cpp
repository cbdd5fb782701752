#include <algorithm>

#include "ops/core/threads.hpp"
#include "ops/scatter_add_rows/scatter_add_rows.hpp"

namespace isobath::kernel {
namespace {

template <class T>
void add_rows(const T* a, const T* b, T* out, std::int64_t columns) {
#pragma omp simd
  for (std::int64_t c = 0; c < columns; ++c) round_to(out[c], float(a[c]) + float(b[c]));
}

}  // namespace

template <class T>
void scatter_add_rows(CpuQueue, View<const T> base, View<const T> update, View<const std::int32_t> rows, View<T> out) {
  const std::int64_t columns = base.columns();
  parallel_for(base.dim(0), row_grain(columns), [&](std::int64_t begin, std::int64_t end) {
    std::int64_t i = std::lower_bound(rows.data, rows.data + rows.count(), begin) - rows.data;
    for (std::int64_t row = begin; row < end; ++row) {
      if (i < rows.count() && rows[i] == row)
        add_rows(base.row(row), update.row(i++), out.row(row), columns);
      else
        std::copy_n(base.row(row), columns, out.row(row));
    }
  });
}

template <class T>
void scatter_add_rows_backward(CpuQueue, View<const T> grad_out, View<const std::int32_t> rows, Accumulate mode,
                               View<T> grad_update) {
  const std::int64_t columns = grad_out.columns();
  parallel_for(rows.count(), row_grain(columns), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      if (mode == Accumulate::Overwrite)
        std::copy_n(grad_out.row(rows[i]), columns, grad_update.row(i));
      else
        add_rows<T>(grad_update.row(i), grad_out.row(rows[i]), grad_update.row(i), columns);
    }
  });
}

template void scatter_add_rows<float>(CpuQueue, View<const float>, View<const float>, View<const std::int32_t>,
                                      View<float>);
template void scatter_add_rows<bfloat16>(CpuQueue, View<const bfloat16>, View<const bfloat16>, View<const std::int32_t>,
                                         View<bfloat16>);
template void scatter_add_rows_backward<float>(CpuQueue, View<const float>, View<const std::int32_t>, Accumulate,
                                               View<float>);
template void scatter_add_rows_backward<bfloat16>(CpuQueue, View<const bfloat16>, View<const std::int32_t>, Accumulate,
                                                  View<bfloat16>);

}  // namespace isobath::kernel
