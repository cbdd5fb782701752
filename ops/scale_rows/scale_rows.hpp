#pragma once
#include "ops/autograd/grad_view.hpp"
#include "ops/core/queue.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath {

/// out[i, c] = gates[i] * x[i, c] for x: [K, C], gates: f32 [K] or [K, 1]; K may be 0.
Tensor scale_rows(const Tensor& x, const Tensor& gates);

namespace kernel {
template <class T>
void scale_rows(CpuQueue queue, View<const T> x, View<const float> gates, View<T> out);
template <class T>
void scale_rows(CudaQueue queue, View<const T> x, View<const float> gates, View<T> out);

/// grad_x[i] = gates[i] * grad_out[i], grad_gates[i] = sum over c of grad_out[i, c] * x[i, c], in f32.
template <class T>
void scale_rows_backward(CpuQueue queue, View<const T> grad_out, View<const T> x, View<const float> gates,
                         GradView<T> grad_x, GradView<float> grad_gates);
template <class T>
void scale_rows_backward(CudaQueue queue, View<const T> grad_out, View<const T> x, View<const float> gates,
                         GradView<T> grad_x, GradView<float> grad_gates);
}  // namespace kernel

}  // namespace isobath
