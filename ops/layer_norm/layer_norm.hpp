#pragma once
#include "ops/autograd/grad_view.hpp"
#include "ops/core/queue.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath {

inline constexpr float kLayerNormEpsilon = 1e-5F;

/// (x - mean) / sqrt(variance + 1e-5) * gain + shift over the last dimension, biased variance, f32 statistics.
/// x: [N, C], gain, shift: f32 [C], result [N, C]. (Ba, Kiros, Hinton 2016, arXiv 1607.06450.) N may be 0.
/// The gradients of gain and shift are summed within blocks of kLayerNormBlockRows rows and then over the blocks in
/// order: equal bits for any number of threads.
Tensor layer_norm(const Tensor& x, const Tensor& gain, const Tensor& shift);
/// The same with a result of type `out_type`: that of x, or bf16 for an f32 x, rounded once, as matrix products read
/// it.
Tensor layer_norm(const Tensor& x, const Tensor& gain, const Tensor& shift, DType out_type);

/// Rows whose contributions to the gradients of gain and shift make one partial sum.
inline constexpr std::int64_t kLayerNormBlockRows = 64;
constexpr std::int64_t layer_norm_blocks(std::int64_t rows) {
  return (rows + kLayerNormBlockRows - 1) / kLayerNormBlockRows;
}

namespace kernel {
/// Also writes what backward needs besides x: mean and rstd = 1 / sqrt(variance + epsilon), f32 [N] each. Instances: T,
/// Out = float, float; float, bfloat16; bfloat16, bfloat16.
template <class T, class Out>
void layer_norm(CpuQueue queue, View<const T> x, View<const float> gain, View<const float> shift, View<Out> out,
                View<float> mean, View<float> rstd);
template <class T, class Out>
void layer_norm(CudaQueue queue, View<const T> x, View<const float> gain, View<const float> shift, View<Out> out,
                View<float> mean, View<float> rstd);

template <class T>
struct LayerNormGrads {
  GradView<T> x;          ///< [N, C]
  GradView<float> gain;   ///< [C]
  GradView<float> shift;  ///< [C]
};

/// With n = (x - mean) * rstd and d = grad_out * gain:
///   grad_x = rstd * (d - average(d) - n * average(d * n)), grad_gain = sum over rows of grad_out * n,
///   grad_shift = sum over rows of grad_out.
/// partial: f32 [layer_norm_blocks(N), 2, C], scratch for the sums of each block (gain, then shift); null data when
/// neither gain nor shift wants a gradient.
template <class T, class Out>
void layer_norm_backward(CpuQueue queue, View<const Out> grad_out, View<const T> x, View<const float> gain,
                         View<const float> mean, View<const float> rstd, View<float> partial, LayerNormGrads<T> grads);
template <class T, class Out>
void layer_norm_backward(CudaQueue queue, View<const Out> grad_out, View<const T> x, View<const float> gain,
                         View<const float> mean, View<const float> rstd, View<float> partial, LayerNormGrads<T> grads);
}  // namespace kernel

}  // namespace isobath
