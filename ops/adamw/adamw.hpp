#pragma once
#include <span>
#include <vector>

#include "ops/core/queue.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath {

struct AdamWSettings {
  float beta1 = 0.9F;
  float beta2 = 0.95F;
  float epsilon = 1e-8F;
};

/// A contiguous piece of the flat buffers with one weight decay and one rate.
struct AdamWRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  float weight_decay = 0.0F;
  float rate = 1.0F;  ///< multiplies the step, not the decay
};

/// f64 [4] on the device, written there by whoever decides: nothing of the update needs the host.
enum AdamWControl : int { kLearningRate = 0, kGradientScale = 1, kUpdateIndex = 2, kGo = 3, kAdamWControls = 4 };

/// One AdamW update (Loshchilov, Hutter 2019, arXiv 1711.05101: decay lr * wd * w, decoupled) of every range in one
/// launch. weights, gradients, first, second: f32 flat, equal counts. control: f64 [4]; kUpdateIndex counts from 1
/// (bias correction); when control[kGo] is 0 nothing is touched at all. Gradients are multiplied by
/// control[kGradientScale] on the fly. Ranges lie within the buffers and do not overlap.
void adamw(const Tensor& weights, const Tensor& gradients, const Tensor& first, const Tensor& second,
           const std::vector<AdamWRange>& ranges, const AdamWSettings& settings, const Tensor& control);

namespace kernel {
struct AdamWBuffers {
  View<float> weights;
  View<const float> gradients;
  View<float> first, second;
};

/// With g = scale * gradient, index t and f32 arithmetic on factors that are made in f64:
///   first = beta1 * first + (1 - beta1) g, second = beta2 * second + (1 - beta2) g^2,
///   w = (1 - lr wd) w - rate lr / (1 - beta1^t) * first / (sqrt(second) / sqrt(1 - beta2^t) + epsilon).
void adamw(CpuQueue queue, AdamWBuffers buffers, std::span<const AdamWRange> ranges, const AdamWSettings& settings,
           View<const double> control);
void adamw(CudaQueue queue, AdamWBuffers buffers, std::span<const AdamWRange> ranges, const AdamWSettings& settings,
           View<const double> control);
}  // namespace kernel

}  // namespace isobath
