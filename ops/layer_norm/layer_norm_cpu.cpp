#include <algorithm>
#include <cmath>

#include "ops/core/threads.hpp"
#include "ops/layer_norm/layer_norm.hpp"

namespace isobath::kernel {
namespace {

template <class T>
float average(const T* x, std::int64_t columns) {
  float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t c = 0; c < columns; ++c) sum += float(x[c]);
  return sum / static_cast<float>(columns);
}

// The second pass over a row that is still in the first-level cache keeps the variance free of cancellation.
template <class T>
float variance(const T* x, float mean, std::int64_t columns) {
  float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t c = 0; c < columns; ++c) sum += (float(x[c]) - mean) * (float(x[c]) - mean);
  return sum / static_cast<float>(columns);
}

template <class T, class Out>
void normalise(const T* x, const float* gain, const float* shift, float mean, float rstd, Out* out,
               std::int64_t columns) {
#pragma omp simd
  for (std::int64_t c = 0; c < columns; ++c) round_to(out[c], (float(x[c]) - mean) * rstd * gain[c] + shift[c]);
}

template <class Out, class T>
void add_to_sums(const Out* grad_out, const T* x, float mean, float rstd, float* gain_sum, float* shift_sum,
                 std::int64_t columns) {
#pragma omp simd
  for (std::int64_t c = 0; c < columns; ++c) {
    gain_sum[c] += float(grad_out[c]) * ((float(x[c]) - mean) * rstd);
    shift_sum[c] += float(grad_out[c]);
  }
}

template <Accumulate mode, class T, class Out>
void write_grad_x(const Out* grad_out, const T* x, const float* gain, float mean, float rstd, T* grad_x,
                  std::int64_t columns) {
  float sum_d = 0.0F, sum_dn = 0.0F;
#pragma omp simd reduction(+ : sum_d, sum_dn)
  for (std::int64_t c = 0; c < columns; ++c) {
    const float d = float(grad_out[c]) * gain[c];
    sum_d += d;
    sum_dn += d * ((float(x[c]) - mean) * rstd);
  }
  const float average_d = sum_d / static_cast<float>(columns), average_dn = sum_dn / static_cast<float>(columns);
#pragma omp simd
  for (std::int64_t c = 0; c < columns; ++c) {
    const float n = (float(x[c]) - mean) * rstd;
    const float gradient = rstd * (float(grad_out[c]) * gain[c] - average_d - n * average_dn);
    round_to(grad_x[c], mode == Accumulate::Add ? float(grad_x[c]) + gradient : gradient);
  }
}

template <class T, class Out>
struct Backward {
  View<const Out> grad_out;
  View<const T> x;
  View<const float> gain, mean, rstd;
  LayerNormGrads<T> grads;

  /// Rows [begin, end); the sums of gain and shift go to `sums` [2, C] unless it is null.
  void run(std::int64_t begin, std::int64_t end, float* sums) const {
    const std::int64_t columns = x.columns();
    const auto write = grads.x.mode == Accumulate::Add ? write_grad_x<Accumulate::Add, T, Out>
                                                       : write_grad_x<Accumulate::Overwrite, T, Out>;
    if (sums != nullptr) std::fill_n(sums, 2 * columns, 0.0F);
    for (std::int64_t row = begin; row < end; ++row) {
      if (sums != nullptr)
        add_to_sums(grad_out.row(row), x.row(row), mean[row], rstd[row], sums, sums + columns, columns);
      if (grads.x.wanted())
        write(grad_out.row(row), x.row(row), gain.data, mean[row], rstd[row], grads.x.to.row(row), columns);
    }
  }
};

void add_row(const float* from, float* to, std::int64_t columns) {
#pragma omp simd
  for (std::int64_t c = 0; c < columns; ++c) to[c] += from[c];
}

// Sum over the blocks, in order; `which` is 0 for gain and 1 for shift.
void reduce_partial(View<const float> partial, std::int64_t which, GradView<float> grad) {
  if (!grad.wanted()) return;
  const std::int64_t blocks = partial.dim(0), columns = partial.dim(2);
  if (grad.mode == Accumulate::Overwrite) std::fill_n(grad.to.data, columns, 0.0F);
  for (std::int64_t block = 0; block < blocks; ++block)
    add_row(partial.data + (2 * block + which) * columns, grad.to.data, columns);
}

}  // namespace

template <class T, class Out>
void layer_norm(CpuQueue, View<const T> x, View<const float> gain, View<const float> shift, View<Out> out,
                View<float> mean, View<float> rstd) {
  const std::int64_t columns = x.columns();
  parallel_for(x.dim(0), row_grain(columns), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const float center = average(x.row(row), columns);
      const float scale = 1.0F / std::sqrt(variance(x.row(row), center, columns) + kLayerNormEpsilon);
      normalise(x.row(row), gain.data, shift.data, center, scale, out.row(row), columns);
      mean[row] = center;
      rstd[row] = scale;
    }
  });
}

template <class T, class Out>
void layer_norm_backward(CpuQueue, View<const Out> grad_out, View<const T> x, View<const float> gain,
                         View<const float> mean, View<const float> rstd, View<float> partial, LayerNormGrads<T> grads) {
  const Backward<T, Out> body{grad_out, x, gain, mean, rstd, grads};
  const std::int64_t rows = x.dim(0), columns = x.columns();
  parallel_for(layer_norm_blocks(rows), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t block = begin; block < end; ++block)
      body.run(block * kLayerNormBlockRows, std::min(rows, (block + 1) * kLayerNormBlockRows),
               partial.data ? partial.data + 2 * block * columns : nullptr);
  });
  if (grads.gain.wanted() || grads.shift.wanted()) {
    reduce_partial(partial, 0, grads.gain);
    reduce_partial(partial, 1, grads.shift);
  }
}

template void layer_norm<float, float>(CpuQueue, View<const float>, View<const float>, View<const float>, View<float>,
                                       View<float>, View<float>);
template void layer_norm<float, bfloat16>(CpuQueue, View<const float>, View<const float>, View<const float>,
                                          View<bfloat16>, View<float>, View<float>);
template void layer_norm<bfloat16, bfloat16>(CpuQueue, View<const bfloat16>, View<const float>, View<const float>,
                                             View<bfloat16>, View<float>, View<float>);
template void layer_norm_backward<float, float>(CpuQueue, View<const float>, View<const float>, View<const float>,
                                                View<const float>, View<const float>, View<float>,
                                                LayerNormGrads<float>);
template void layer_norm_backward<float, bfloat16>(CpuQueue, View<const bfloat16>, View<const float>, View<const float>,
                                                   View<const float>, View<const float>, View<float>,
                                                   LayerNormGrads<float>);
template void layer_norm_backward<bfloat16, bfloat16>(CpuQueue, View<const bfloat16>, View<const bfloat16>,
                                                      View<const float>, View<const float>, View<const float>,
                                                      View<float>, LayerNormGrads<bfloat16>);

}  // namespace isobath::kernel
