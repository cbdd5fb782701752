#pragma once
#include "ops/core/queue.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath {

/// x * Phi(x), the exact form with the error function. (Hendrycks, Gimpel 2016, arXiv 1606.08415.)
Tensor gelu(const Tensor& x);

}  // namespace isobath
