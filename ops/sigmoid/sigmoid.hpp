#pragma once
#include "ops/autograd/grad_slot.hpp"
#include "ops/core/queue.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath {

/// 1 / (1 + exp(-x)) of every element, f32.
Tensor sigmoid(const Tensor& x);

/// 1 - sigmoid(x) = sigmoid(-x), without cancellation: the open gate of a halting logit.
Tensor one_minus_sigmoid(const Tensor& x);

namespace kernel {
/// out = sigmoid(sign * x), sign 1 or -1.
void sigmoid(CpuQueue queue, View<const float> x, float sign, View<float> out);
void sigmoid(CudaQueue queue, View<const float> x, float sign, View<float> out);

/// grad_x is (Overwrite) or grows by (Add) grad_out * sign * sigmoid(x) * sigmoid(-x), computed from x so that
/// saturated gates keep the relative accuracy of their gradient.
void sigmoid_backward(CpuQueue queue, View<const float> grad_out, View<const float> x, float sign, Accumulate mode,
                      View<float> grad_x);
void sigmoid_backward(CudaQueue queue, View<const float> grad_out, View<const float> x, float sign, Accumulate mode,
                      View<float> grad_x);
}  // namespace kernel

}  // namespace isobath
