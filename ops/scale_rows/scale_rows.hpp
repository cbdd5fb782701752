#pragma once
#include "ops/core/queue.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath {

/// out[i, c] = gates[i] * x[i, c] for x: [K, C], gates: f32 [K] or [K, 1].
Tensor scale_rows(const Tensor& x, const Tensor& gates);

}  // namespace isobath
