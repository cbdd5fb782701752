#pragma once
#include "ops/autograd/grad_slot.hpp"
#include "ops/core/queue.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath {

enum class Activation { None, Gelu, Relu };

/// activation(x weight^T + bias) for x: [N, I], weight: [O, I], bias: [O] or undefined; result [N, O]. N may be 0.
/// Gelu is the exact form x * Phi(x). The gradient of `weight` and `bias` is f32 and goes straight into the leaf's
/// buffer. Counts 2 N I O FLOPs forward and twice that backward (less what nobody wants).
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, Activation activation = Activation::None);

}  // namespace isobath
