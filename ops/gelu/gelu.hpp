#pragma once
#include "ops/autograd/grad_view.hpp"
#include "ops/core/queue.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath {

/// x * Phi(x), the exact form with the error function. f32 or bf16, computed in f32. (Hendrycks, Gimpel 2016, arXiv
/// 1606.08415.)
Tensor gelu(const Tensor& x);

namespace kernel {
/// The same contract without checks. `slope`, unless its data is null, receives the derivative Phi(x) + x phi(x), which
/// is what backward needs: one exponential serves both.
template <class T>
void gelu(CpuQueue queue, View<const T> x, View<T> out, View<T> slope);
template <class T>
void gelu(CudaQueue queue, View<const T> x, View<T> out, View<T> slope);

/// grad_x (+)= grad_out * slope.
template <class T>
void gelu_backward(CpuQueue queue, View<const T> grad_out, View<const T> slope, GradView<T> grad_x);
template <class T>
void gelu_backward(CudaQueue queue, View<const T> grad_out, View<const T> slope, GradView<T> grad_x);
}  // namespace kernel

}  // namespace isobath
