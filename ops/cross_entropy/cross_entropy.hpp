#pragma once
#include "ops/core/queue.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath {

inline constexpr std::int32_t kIgnoredTarget = -1;

/// scale * sum over valid rows of -log softmax(logits)[target], a scalar f32 [1], summed in f64 in a fixed
/// order. logits: f32 [N, V], consumed: their storage becomes the gradient's, so that no second tensor of that size
/// exists; the caller gives up its handle. targets: i32 [N] in [0, V) or kIgnoredTarget. scale: f32 [1] on the device
/// (1 / global count of valid targets).
/// Throws InternalError when shapes, types or devices do not fit or, with a gradient to compute, another handle shares
/// the logits' storage; DataError when a target is outside [0, V), on the CPU: a device, into which the host does not
/// look within a step, gives that row a loss and a gradient of NaN.
Tensor cross_entropy(Tensor&& logits, const Tensor& targets, const Tensor& scale);

/// A training loss and its parts, scalars f32 [1].
struct ScoredLogits {
  Tensor loss;           ///< what backward starts from: the sum of the parts
  Tensor cross_entropy;  ///< as cross_entropy() gives it, bit for bit
  Tensor z_loss;         ///< undefined where its weight is 0
};

/// cross_entropy() and, in the same pass, the z-loss: weight * scale * sum over valid rows of logsumexp(logits)^2,
/// which keeps the logits from drifting. (Chowdhery et al. 2022, PaLM, arXiv 2204.02311, section 5.) A weight of 0
/// gives cross_entropy() alone. Throws as cross_entropy().
ScoredLogits cross_entropy_with_z_loss(Tensor&& logits, const Tensor& targets, const Tensor& scale, float weight);

/// -log softmax(logits)[target] per row, f32 [N]; 0 where the target is ignored. Not recorded; for evaluation. Throws
/// as cross_entropy, and leaves the logits as they are.
Tensor cross_entropy_per_row(const Tensor& logits, const Tensor& targets);

namespace kernel {
/// Penalty on L = logsumexp(logits): weight * L^2 of each row goes to `penalties`, f32 [N], 0 where ignored; null data
/// with weight 0.
struct ZPenalty {
  float weight = 0.0F;
  View<float> penalties;
};

/// losses[i] = -log softmax(logits)[targets[i]], 0 where ignored, f32 [N]. Throws DataError as above.
void cross_entropy(CpuQueue queue, View<const float> logits, View<const std::int32_t> targets, View<float> losses,
                   const ZPenalty& z = {});
void cross_entropy(CudaQueue queue, View<const float> logits, View<const std::int32_t> targets, View<float> losses,
                   const ZPenalty& z = {});

/// The same, and logits = scale[0] * ((1 + 2 weight L) softmax(logits) - onehot(target)), zero in rows whose target is
/// ignored.
void cross_entropy_in_place(CpuQueue queue, View<float> logits, View<const std::int32_t> targets,
                            View<const float> scale, View<float> losses, const ZPenalty& z = {});
void cross_entropy_in_place(CudaQueue queue, View<float> logits, View<const std::int32_t> targets,
                            View<const float> scale, View<float> losses, const ZPenalty& z = {});

/// total[0] = scale[0] * sum of losses, in f64 in a fixed order: on the CPU by the blocks of ops/sum/blocks.hpp.
void cross_entropy_total(CpuQueue queue, View<const float> losses, View<const float> scale, View<float> total);
void cross_entropy_total(CudaQueue queue, View<const float> losses, View<const float> scale, View<float> total);

/// gradient *= factor[0]; nothing at all where that is 1, as it is for the loss that backward starts from.
void cross_entropy_backward(CpuQueue queue, View<float> gradient, View<const float> factor);
void cross_entropy_backward(CudaQueue queue, View<float> gradient, View<const float> factor);
}  // namespace kernel

}  // namespace isobath
