#pragma once
#include "ops/autograd/grad_view.hpp"
#include "ops/core/queue.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath {

inline constexpr float kRmsNormEpsilon = 1e-5F;

/// x / sqrt(mean(x^2) + 1e-5) * gain over every G consecutive columns of a row, f32 statistics. x: [N, H * G] in f32 or
/// bf16, gain: f32 [G], result like x; H is 1 for the norm of a whole row, the number of heads for QK-norm. (Zhang,
/// Sennrich 2019, arXiv 1910.07467.) N may be 0. The gradient of gain is summed within blocks of kRmsNormBlockRows
/// groups and then over the blocks in order: equal bits for any number of threads.
/// Throws InternalError when shapes, types or devices do not fit.
Tensor rms_norm(const Tensor& x, const Tensor& gain);
/// The same with a result of type `out_type`: that of x, or bf16 for an f32 x, rounded once, as matrix products read
/// it.
Tensor rms_norm(const Tensor& x, const Tensor& gain, DType out_type);

/// Groups whose contributions to the gradient of gain make one partial sum.
inline constexpr std::int64_t kRmsNormBlockRows = 64;
constexpr std::int64_t rms_norm_blocks(std::int64_t rows) { return (rows + kRmsNormBlockRows - 1) / kRmsNormBlockRows; }

namespace kernel {
/// x, out: [R, G] with the R = N H groups as rows. Also writes what backward needs besides x: scale = 1 /
/// sqrt(mean(x^2) + epsilon), f32 [R]. Instances: T, Out = float, float; float, bfloat16; bfloat16, bfloat16.
template <class T, class Out>
void rms_norm(CpuQueue queue, View<const T> x, View<const float> gain, View<Out> out, View<float> scale);
template <class T, class Out>
void rms_norm(CudaQueue queue, View<const T> x, View<const float> gain, View<Out> out, View<float> scale);

template <class T>
struct RmsNormGrads {
  GradView<T> x;         ///< [R, G]
  GradView<float> gain;  ///< [G]
};

/// With n = x * scale and d = grad_out * gain: grad_x = scale * (d - n * average(d * n)), grad_gain = sum over rows of
/// grad_out * n. partial: f32 [rms_norm_blocks(R), G], scratch for the sums of each block; null data when gain wants no
/// gradient.
template <class T, class Out>
void rms_norm_backward(CpuQueue queue, View<const Out> grad_out, View<const T> x, View<const float> gain,
                       View<const float> scale, View<float> partial, RmsNormGrads<T> grads);
template <class T, class Out>
void rms_norm_backward(CudaQueue queue, View<const Out> grad_out, View<const T> x, View<const float> gain,
                       View<const float> scale, View<float> partial, RmsNormGrads<T> grads);
}  // namespace kernel

}  // namespace isobath
