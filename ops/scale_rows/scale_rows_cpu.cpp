#include <algorithm>

#include "ops/core/cpu/dot.hpp"
#include "ops/core/threads.hpp"
#include "ops/scale_rows/scale_rows.hpp"

namespace isobath::kernel {
namespace {

template <class T>
void scale_into(const T* from, float gate, Accumulate mode, T* to, std::int64_t columns) {
  if (mode == Accumulate::Overwrite) {
#pragma omp simd
    for (std::int64_t c = 0; c < columns; ++c) round_to(to[c], gate * float(from[c]));
  } else {
#pragma omp simd
    for (std::int64_t c = 0; c < columns; ++c) round_to(to[c], float(to[c]) + gate * float(from[c]));
  }
}

}  // namespace

template <class T>
void scale_rows(CpuQueue, View<const T> x, View<const float> gates, View<T> out) {
  const std::int64_t columns = x.columns();
  parallel_for(x.dim(0), row_grain(columns), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      scale_into(x.row(i), gates[i], Accumulate::Overwrite, out.row(i), columns);
  });
}

template <class T>
void scale_rows_backward(CpuQueue, View<const T> grad_out, View<const T> x, View<const float> gates, GradView<T> grad_x,
                         GradView<float> grad_gates) {
  const std::int64_t columns = x.columns();
  parallel_for(x.dim(0), row_grain(columns), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const T* g = grad_out.row(i);
      if (grad_gates.wanted()) {
        float& to = grad_gates.to[i];
        to = (grad_gates.mode == Accumulate::Add ? to : 0.0F) + dot(g, x.row(i), columns);
      }
      if (grad_x.wanted()) scale_into(g, gates[i], grad_x.mode, grad_x.to.row(i), columns);
    }
  });
}

template void scale_rows<float>(CpuQueue, View<const float>, View<const float>, View<float>);
template void scale_rows<bfloat16>(CpuQueue, View<const bfloat16>, View<const float>, View<bfloat16>);
template void scale_rows_backward<float>(CpuQueue, View<const float>, View<const float>, View<const float>,
                                         GradView<float>, GradView<float>);
template void scale_rows_backward<bfloat16>(CpuQueue, View<const bfloat16>, View<const bfloat16>, View<const float>,
                                            GradView<bfloat16>, GradView<float>);

}  // namespace isobath::kernel
