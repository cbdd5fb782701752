#pragma once
// Moving numbers between buffers of equal length: what reductions and gradient slots need below the ops.

#include "ops/core/accumulate.hpp"
#include "ops/core/queue.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath {

/// to = from, or to += from, element by element, each rounded once to to's dtype: f32 or bf16, equal counts, one
/// device. Not recorded.
void convert(const Tensor& from, const Tensor& to, Accumulate mode = Accumulate::Overwrite);

namespace kernel {
template <class From, class To>
void convert(CpuQueue queue, View<const From> from, View<To> to, Accumulate mode);
template <class From, class To>
void convert(CudaQueue queue, View<const From> from, View<To> to, Accumulate mode);
}  // namespace kernel

}  // namespace isobath
