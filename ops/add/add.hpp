#pragma once
#include "ops/core/queue.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath {

/// a + b, equal shapes. Both gradients are the output's own, handed on without a copy.
Tensor add(const Tensor& a, const Tensor& b);

namespace kernel {
template <class T>
void add(CpuQueue queue, View<const T> a, View<const T> b, View<T> out);
template <class T>
void add(CudaQueue queue, View<const T> a, View<const T> b, View<T> out);
}  // namespace kernel

}  // namespace isobath
