#pragma once
#include "ops/autograd/grad_view.hpp"
#include "ops/core/queue.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath {

enum class Activation { None, Gelu, Relu };

/// activation(x weight^T + bias) for x: [N, I], weight: [O, I], bias: [O] or undefined; result [N, O]. N may be 0.
/// x, weight and bias are all f32 or all bf16; products are summed in f32, and nothing is rounded to bf16 before the
/// activation. Gelu is the exact form x * Phi(x). The gradient of `weight` and `bias` is f32 and goes straight into the
/// leaf's buffer; that of `bias` has equal bits for any number of threads. Counts 2 N I O FLOPs forward and twice that
/// backward (less what nobody wants). Throws InternalError when shapes, types or devices do not fit.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, Activation activation = Activation::None);

namespace kernel {
/// The same contract without checks; bias.data may be null. `slope`, unless its data is null, is [N, O] and receives
/// the derivative of the activation: backward then needs neither the pre-activation nor a second exponential.
template <class T>
void linear(CpuQueue queue, View<const T> x, View<const T> weight, View<const T> bias, Activation activation,
            View<T> out, View<T> slope);

template <class T>
struct LinearGrads {
  GradView<T> x;           ///< [N, I]
  GradView<float> weight;  ///< [O, I]
  GradView<float> bias;    ///< [O]
};

/// With g = grad_out * slope (or grad_out where slope.data is null): grad_x = g weight, grad_weight = g^T x,
/// grad_bias = sum of g over rows. `slope` is overwritten by g.
template <class T>
void linear_backward(CpuQueue queue, View<const T> grad_out, View<T> slope, View<const T> x, View<const T> weight,
                     LinearGrads<T> grads);
}  // namespace kernel

}  // namespace isobath
