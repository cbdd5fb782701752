#pragma once
#include "ops/core/queue.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath {

/// scale * unit * sum of all elements, a scalar f32 [1]; accumulated in f64 over fixed blocks, in order. x: f32.
/// unit: f32 [1] on the device, e.g. 1 / global count of tokens.
Tensor sum(const Tensor& x, float scale, const Tensor& unit);

}  // namespace isobath
