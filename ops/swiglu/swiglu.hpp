#pragma once
#include "ops/autograd/grad_view.hpp"
#include "ops/core/queue.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath {

/// silu(gate) * up with silu(z) = z / (1 + e^-z), element by element: the middle of a SwiGLU feed-forward branch, whose
/// two projections are the arguments. (Shazeer 2020, arXiv 2002.05202.) f32 or bf16, computed in f32; both tensors of
/// one shape, type and device, or InternalError.
Tensor swiglu(const Tensor& gate, const Tensor& up);

namespace kernel {
/// The same contract without checks.
template <class T>
void swiglu(CpuQueue queue, View<const T> gate, View<const T> up, View<T> out);
template <class T>
void swiglu(CudaQueue queue, View<const T> gate, View<const T> up, View<T> out);

template <class T>
struct SwigluGrads {
  GradView<T> gate, up;  ///< which do not overlap
};

/// grad_gate (+)= grad_out * up * silu'(gate), grad_up (+)= grad_out * silu(gate), in one pass.
template <class T>
void swiglu_backward(CpuQueue queue, View<const T> grad_out, View<const T> gate, View<const T> up,
                     SwigluGrads<T> grads);
template <class T>
void swiglu_backward(CudaQueue queue, View<const T> grad_out, View<const T> gate, View<const T> up,
                     SwigluGrads<T> grads);
}  // namespace kernel

}  // namespace isobath
