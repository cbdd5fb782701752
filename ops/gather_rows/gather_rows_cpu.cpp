#include <algorithm>

#include "ops/gather_rows/gather_rows.hpp"
#include "ops/gather_rows/row_groups.hpp"

namespace isobath::kernel {
namespace {

template <class T>
void add_row(const T* from, T* to, std::int64_t columns) {
#pragma omp simd
  for (std::int64_t c = 0; c < columns; ++c) round_to(to[c], float(to[c]) + float(from[c]));
}

// The sum of several rows, kept in registers a strip of columns at a time.
template <class T>
void sum_rows(View<const T> from, std::span<const std::int32_t> members, Accumulate mode, T* to) {
  constexpr std::int64_t kStrip = 64;
  const std::int64_t columns = from.columns();
  for (std::int64_t begin = 0; begin < columns; begin += kStrip) {
    const std::int64_t width = std::min(kStrip, columns - begin);
    float sum[kStrip] = {};
    if (mode == Accumulate::Add)
      for (std::int64_t c = 0; c < width; ++c) sum[c] = float(to[begin + c]);
    for (const std::int32_t member : members) {
      const T* row = from.row(member) + begin;
#pragma omp simd
      for (std::int64_t c = 0; c < width; ++c) sum[c] += float(row[c]);
    }
    for (std::int64_t c = 0; c < width; ++c) round_to(to[begin + c], sum[c]);
  }
}

template <class T>
void overwrite_ascending(View<const T> grad_out, View<const std::int32_t> rows, View<T> grad_x) {
  const std::int64_t columns = grad_x.columns();
  parallel_for(grad_x.rows(), row_grain(columns), [&](std::int64_t begin, std::int64_t end) {
    std::int64_t i = std::lower_bound(rows.data, rows.data + rows.count(), begin) - rows.data;
    for (std::int64_t row = begin; row < end; ++row) {
      if (i < rows.count() && rows[i] == row)
        std::copy_n(grad_out.row(i++), columns, grad_x.row(row));
      else
        std::fill_n(grad_x.row(row), columns, T(0.0F));
    }
  });
}

template <class T>
void add_ascending(View<const T> grad_out, View<const std::int32_t> rows, View<T> grad_x) {
  parallel_for(rows.count(), row_grain(grad_x.columns()), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) add_row(grad_out.row(i), grad_x.row(rows[i]), grad_x.columns());
  });
}

template <class T>
void sum_by_row(View<const T> grad_out, View<const std::int32_t> rows, Accumulate mode, View<T> grad_x) {
  const RowGroups groups(rows, grad_x.rows());
  groups.parallel_rows([&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row)
      if (mode == Accumulate::Overwrite || !groups.members(row).empty())
        sum_rows(grad_out, groups.members(row), mode, grad_x.row(row));
  });
}

}  // namespace

template <class T>
void gather_rows(CpuQueue, View<const T> x, View<const std::int32_t> rows, View<T> out) {
  parallel_for(rows.count(), row_grain(x.columns()), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) std::copy_n(x.row(rows[i]), x.columns(), out.row(i));
  });
}

template <class T>
void gather_rows_backward(CpuQueue, View<const T> grad_out, View<const std::int32_t> rows, RowOrder order,
                          Accumulate mode, View<T> grad_x) {
  if (order == RowOrder::Any) return sum_by_row(grad_out, rows, mode, grad_x);
  if (mode == Accumulate::Add) return add_ascending(grad_out, rows, grad_x);
  overwrite_ascending(grad_out, rows, grad_x);
}

template void gather_rows<float>(CpuQueue, View<const float>, View<const std::int32_t>, View<float>);
template void gather_rows<bfloat16>(CpuQueue, View<const bfloat16>, View<const std::int32_t>, View<bfloat16>);
template void gather_rows_backward<float>(CpuQueue, View<const float>, View<const std::int32_t>, RowOrder, Accumulate,
                                          View<float>);
template void gather_rows_backward<bfloat16>(CpuQueue, View<const bfloat16>, View<const std::int32_t>, RowOrder,
                                             Accumulate, View<bfloat16>);

}  // namespace isobath::kernel
