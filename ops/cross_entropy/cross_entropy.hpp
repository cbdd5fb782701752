#pragma once
#include "ops/core/queue.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath {

inline constexpr std::int32_t kIgnoredTarget = -1;

/// scale * sum over valid rows of -log softmax(logits)[target], a scalar f32 [1], summed in f64 in row order of fixed
/// blocks. logits: [N, V], consumed: their storage becomes the gradient's, so that no second tensor of that size
/// exists; the caller gives up its handle. targets: i32 [N] in [0, V) or kIgnoredTarget. scale: f32 [1] on the device
/// (1 / global count of valid targets).
Tensor cross_entropy(Tensor&& logits, const Tensor& targets, const Tensor& scale);

/// -log softmax(logits)[target] per row, f32 [N]; 0 where the target is ignored. Not recorded; for evaluation.
Tensor cross_entropy_per_row(const Tensor& logits, const Tensor& targets);

}  // namespace isobath
