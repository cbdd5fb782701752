#pragma once
#include "ops/core/queue.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath {

/// a + b, equal shapes.
Tensor add(const Tensor& a, const Tensor& b);

}  // namespace isobath
