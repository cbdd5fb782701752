#include "ops/core/cpu/vector_math.hpp"
#include "ops/core/threads.hpp"
#include "ops/gelu/gelu.hpp"

namespace isobath::kernel {
namespace {

constexpr std::int64_t kGrain = 1 << 12;

}  // namespace

template <class T>
void gelu(CpuQueue, View<const T> x, View<T> out, View<T> slope) {
  parallel_for(x.count(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    if (slope.data == nullptr) {
#pragma omp simd
      for (std::int64_t i = begin; i < end; ++i) round_to(out[i], vector_math::gelu(float(x[i])).value);
      return;
    }
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) {
      const vector_math::ValueAndSlope at = vector_math::gelu(float(x[i]));
      round_to(out[i], at.value);
      round_to(slope[i], at.slope);
    }
  });
}

template <class T>
void gelu_backward(CpuQueue, View<const T> grad_out, View<const T> slope, GradView<T> grad_x) {
  const View<T> to = grad_x.to;
  parallel_for(to.count(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    if (grad_x.mode == Accumulate::Overwrite) {
#pragma omp simd
      for (std::int64_t i = begin; i < end; ++i) round_to(to[i], float(grad_out[i]) * float(slope[i]));
      return;
    }
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) round_to(to[i], float(to[i]) + float(grad_out[i]) * float(slope[i]));
  });
}

template void gelu<float>(CpuQueue, View<const float>, View<float>, View<float>);
template void gelu<bfloat16>(CpuQueue, View<const bfloat16>, View<bfloat16>, View<bfloat16>);
template void gelu_backward<float>(CpuQueue, View<const float>, View<const float>, GradView<float>);
template void gelu_backward<bfloat16>(CpuQueue, View<const bfloat16>, View<const bfloat16>, GradView<bfloat16>);

}  // namespace isobath::kernel
