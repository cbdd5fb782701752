#pragma once
#include "ops/autograd/grad_view.hpp"
#include "ops/core/queue.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath {

enum class Activation { None, Gelu, Relu };

/// activation(x weight^T + bias) for x: [N, I], weight: [O, I], bias: [O] or undefined; result [N, O]. N may be 0.
/// x and weight are both f32 or both bf16, the bias is f32; products are summed in f32, and nothing is rounded to bf16
/// before the activation. The result has the type of x. Gelu is the exact form x * Phi(x). The gradient of `weight` and
/// `bias` is f32 and goes straight into the leaf's buffer; that of `bias` has equal bits for any number of threads.
/// Counts 2 N I O FLOPs forward and twice that backward (less what nobody wants). Throws InternalError when shapes,
/// types or devices do not fit.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, Activation activation = Activation::None);
/// The same with a result of type `out_type`: that of x, or f32 for bf16 operands, e.g. an update of the residual
/// stream or logits. The gradient that arrives is then rounded to bf16 once, before the products of the backward pass.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, Activation activation, DType out_type);

namespace kernel {
/// The same contract without checks; bias.data may be null. `slope` has no data, as it must not without an activation,
/// or is [N, O] and receives its derivative: backward then needs neither the pre-activation nor a second exponential.
/// Instances: T, Out = float, float; bfloat16, bfloat16; bfloat16, float.
template <class T, class Out>
void linear(CpuQueue queue, View<const T> x, View<const T> weight, View<const float> bias, Activation activation,
            View<Out> out, View<T> slope);
template <class T, class Out>
void linear(CudaQueue queue, View<const T> x, View<const T> weight, View<const float> bias, Activation activation,
            View<Out> out, View<T> slope);

template <class T>
struct LinearGrads {
  GradView<T> x;           ///< [N, I]
  GradView<float> weight;  ///< [O, I]
  GradView<float> bias;    ///< [O]
};

/// Where g, the operand of the products, is written: [N, O], or null data where g is grad_out itself.
template <class T>
struct LinearOperand {
  View<T> g;
  bool holds_slope = false;
};

/// With g = grad_out * slope (or grad_out where there is none), rounded to T: grad_x = g weight, grad_weight = g^T x,
/// grad_bias = sum of g over rows.
template <class T, class Out>
void linear_backward(CpuQueue queue, View<const Out> grad_out, LinearOperand<T> operand, View<const T> x,
                     View<const T> weight, LinearGrads<T> grads);
template <class T, class Out>
void linear_backward(CudaQueue queue, View<const Out> grad_out, LinearOperand<T> operand, View<const T> x,
                     View<const T> weight, LinearGrads<T> grads);
}  // namespace kernel

}  // namespace isobath
