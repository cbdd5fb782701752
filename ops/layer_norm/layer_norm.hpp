#pragma once
#include "ops/core/queue.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath {

inline constexpr float kLayerNormEpsilon = 1e-5F;

/// (x - mean) / sqrt(variance + 1e-5) * gain + shift over the last dimension, biased variance, f32 statistics.
/// x: [N, C], gain, shift: [C], result [N, C]. (Ba, Kiros, Hinton 2016, arXiv 1607.06450.)
Tensor layer_norm(const Tensor& x, const Tensor& gain, const Tensor& shift);

}  // namespace isobath
