#pragma once
#include "ops/core/queue.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath {

/// 1 / (1 + exp(-x)) of every element, f32.
Tensor sigmoid(const Tensor& x);

/// 1 - sigmoid(x) = sigmoid(-x), without cancellation: the open gate of a halting logit.
Tensor one_minus_sigmoid(const Tensor& x);

}  // namespace isobath
