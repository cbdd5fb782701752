#include "ops/core/cpu/column_sum.hpp"
#include "ops/core/cpu/dot.hpp"
#include "ops/core/threads.hpp"
#include "ops/linear/activate.hpp"
#include "ops/linear/one_output.hpp"

namespace isobath::kernel {
namespace {

template <class T>
void add_scaled(float factor, const T* x, float* to, std::int64_t count) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) to[i] += factor * float(x[i]);
}

template <class T>
void write_scaled(float factor, const T* weight, T* to, Accumulate mode, std::int64_t count) {
  if (mode == Accumulate::Overwrite) {
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) round_to(to[i], factor * float(weight[i]));
  } else {
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) round_to(to[i], float(to[i]) + factor * float(weight[i]));
  }
}

// Which sums a block of rows adds to; null where nobody wants them.
struct BlockSums {
  float* weight;
  float* bias;
};

}  // namespace

template <class T, class Out>
void linear_one_output(View<const T> x, View<const T> weight, View<const float> bias, Activation activation,
                       View<Out> out, View<T> slope) {
  const std::int64_t columns = x.dim(1);
  on_activation(activation, [&](auto function) {
    parallel_for(x.dim(0), row_grain(columns), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        const float sum = dot(x.row(row), weight.data, columns);
        activate_row<decltype(function)>(&sum, bias.data, &out[row], slope.data ? &slope[row] : nullptr, 1);
      }
    });
  });
}

template <class T, class Out>
void linear_one_output_backward(View<const Out> grad_out, LinearOperand<T> operand, View<const T> x,
                                View<const T> weight, LinearGrads<T> grads) {
  const std::int64_t rows = x.dim(0), columns = x.dim(1), block = ColumnSum::kBlock;
  const ColumnSum weight_sums(grads.weight.wanted() ? rows : 0, columns), bias_sums(grads.bias.wanted() ? rows : 0, 1);
  const auto body = [&](std::int64_t begin, std::int64_t end) {
    const BlockSums sums{grads.weight.wanted() ? weight_sums.at(begin) : nullptr,
                         grads.bias.wanted() ? bias_sums.at(begin) : nullptr};
    for (std::int64_t row = begin; row < end; ++row) {
      const float g = float(*operand_row(grad_out, operand, row));
      if (grads.x.wanted()) write_scaled(g, weight.data, grads.x.to.row(row), grads.x.mode, columns);
      if (sums.weight != nullptr) add_scaled(g, x.row(row), sums.weight, columns);
      if (sums.bias != nullptr) *sums.bias += g;
    }
  };
  parallel_for((rows + block - 1) / block, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t index = first; index < last; ++index) body(index * block, std::min((index + 1) * block, rows));
  });
  if (grads.weight.wanted()) weight_sums.finish(grads.weight.to.data, grads.weight.mode);
  if (grads.bias.wanted()) bias_sums.finish(grads.bias.to.data, grads.bias.mode);
}

template void linear_one_output<float, float>(View<const float>, View<const float>, View<const float>, Activation,
                                              View<float>, View<float>);
template void linear_one_output<bfloat16, bfloat16>(View<const bfloat16>, View<const bfloat16>, View<const float>,
                                                    Activation, View<bfloat16>, View<bfloat16>);
template void linear_one_output<bfloat16, float>(View<const bfloat16>, View<const bfloat16>, View<const float>,
                                                 Activation, View<float>, View<bfloat16>);
template void linear_one_output_backward<float, float>(View<const float>, LinearOperand<float>, View<const float>,
                                                       View<const float>, LinearGrads<float>);
template void linear_one_output_backward<bfloat16, bfloat16>(View<const bfloat16>, LinearOperand<bfloat16>,
                                                             View<const bfloat16>, View<const bfloat16>,
                                                             LinearGrads<bfloat16>);
template void linear_one_output_backward<bfloat16, float>(View<const float>, LinearOperand<bfloat16>,
                                                          View<const bfloat16>, View<const bfloat16>,
                                                          LinearGrads<bfloat16>);

}  // namespace isobath::kernel
