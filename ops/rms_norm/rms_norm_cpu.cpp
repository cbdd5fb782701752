#include <algorithm>
#include <cmath>

#include "ops/core/threads.hpp"
#include "ops/rms_norm/rms_norm.hpp"

namespace isobath::kernel {
namespace {

template <class T>
float mean_of_squares(const T* x, std::int64_t columns) {
  float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t c = 0; c < columns; ++c) sum += float(x[c]) * float(x[c]);
  return sum / static_cast<float>(columns);
}

template <class T, class Out>
void normalise(const T* x, const float* gain, float scale, Out* out, std::int64_t columns) {
#pragma omp simd
  for (std::int64_t c = 0; c < columns; ++c) round_to(out[c], float(x[c]) * scale * gain[c]);
}

template <class T, class Out>
void add_to_sum(const Out* grad_out, const T* x, float scale, float* sum, std::int64_t columns) {
#pragma omp simd
  for (std::int64_t c = 0; c < columns; ++c) sum[c] += float(grad_out[c]) * (float(x[c]) * scale);
}

template <Accumulate mode, class T, class Out>
void write_grad_x(const Out* grad_out, const T* x, const float* gain, float scale, T* grad_x, std::int64_t columns) {
  float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t c = 0; c < columns; ++c) sum += float(grad_out[c]) * gain[c] * (float(x[c]) * scale);
  const float average = sum / static_cast<float>(columns);
#pragma omp simd
  for (std::int64_t c = 0; c < columns; ++c) {
    const float gradient = scale * (float(grad_out[c]) * gain[c] - float(x[c]) * scale * average);
    round_to(grad_x[c], mode == Accumulate::Add ? float(grad_x[c]) + gradient : gradient);
  }
}

template <class T, class Out>
struct Backward {
  View<const Out> grad_out;
  View<const T> x;
  View<const float> gain, scale;
  RmsNormGrads<T> grads;

  /// Rows [begin, end); the sum of gain goes to `sum` [G] unless it is null.
  void run(std::int64_t begin, std::int64_t end, float* sum) const {
    const std::int64_t columns = x.columns();
    const auto write = grads.x.mode == Accumulate::Add ? write_grad_x<Accumulate::Add, T, Out>
                                                       : write_grad_x<Accumulate::Overwrite, T, Out>;
    if (sum != nullptr) std::fill_n(sum, columns, 0.0F);
    for (std::int64_t row = begin; row < end; ++row) {
      if (sum != nullptr) add_to_sum(grad_out.row(row), x.row(row), scale[row], sum, columns);
      if (grads.x.wanted()) write(grad_out.row(row), x.row(row), gain.data, scale[row], grads.x.to.row(row), columns);
    }
  }
};

// Sum over the blocks, in order.
void reduce_partial(View<const float> partial, GradView<float> grad) {
  const std::int64_t columns = partial.dim(1);
  if (grad.mode == Accumulate::Overwrite) std::fill_n(grad.to.data, columns, 0.0F);
  for (std::int64_t block = 0; block < partial.dim(0); ++block) {
    const float* from = partial.row(block);
#pragma omp simd
    for (std::int64_t c = 0; c < columns; ++c) grad.to[c] += from[c];
  }
}

}  // namespace

template <class T, class Out>
void rms_norm(CpuQueue, View<const T> x, View<const float> gain, View<Out> out, View<float> scale) {
  const std::int64_t columns = x.columns();
  parallel_for(x.dim(0), row_grain(columns), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      scale[row] = 1.0F / std::sqrt(mean_of_squares(x.row(row), columns) + kRmsNormEpsilon);
      normalise(x.row(row), gain.data, scale[row], out.row(row), columns);
    }
  });
}

template <class T, class Out>
void rms_norm_backward(CpuQueue, View<const Out> grad_out, View<const T> x, View<const float> gain,
                       View<const float> scale, View<float> partial, RmsNormGrads<T> grads) {
  const Backward<T, Out> body{grad_out, x, gain, scale, grads};
  const std::int64_t rows = x.dim(0), columns = x.columns();
  const std::int64_t grain = std::max<std::int64_t>(1, row_grain(columns) / kRmsNormBlockRows);
  parallel_for(rms_norm_blocks(rows), grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t block = begin; block < end; ++block)
      body.run(block * kRmsNormBlockRows, std::min(rows, (block + 1) * kRmsNormBlockRows),
               grads.gain.wanted() ? partial.data + block * columns : nullptr);
  });
  if (grads.gain.wanted()) reduce_partial(partial, grads.gain);
}

template void rms_norm<float, float>(CpuQueue, View<const float>, View<const float>, View<float>, View<float>);
template void rms_norm<float, bfloat16>(CpuQueue, View<const float>, View<const float>, View<bfloat16>, View<float>);
template void rms_norm<bfloat16, bfloat16>(CpuQueue, View<const bfloat16>, View<const float>, View<bfloat16>,
                                           View<float>);
template void rms_norm_backward<float, float>(CpuQueue, View<const float>, View<const float>, View<const float>,
                                              View<const float>, View<float>, RmsNormGrads<float>);
template void rms_norm_backward<float, bfloat16>(CpuQueue, View<const bfloat16>, View<const float>, View<const float>,
                                                 View<const float>, View<float>, RmsNormGrads<float>);
template void rms_norm_backward<bfloat16, bfloat16>(CpuQueue, View<const bfloat16>, View<const bfloat16>,
                                                    View<const float>, View<const float>, View<float>,
                                                    RmsNormGrads<bfloat16>);

}  // namespace isobath::kernel
