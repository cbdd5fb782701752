#include "ops/core/cpu/vector_math.hpp"
#include "ops/sigmoid/sigmoid.hpp"
#include "ops/sum/blocks.hpp"

namespace isobath::kernel {
namespace {

// With e = exp(-|x|) in (0, 1] nothing overflows: sigmoid(|x|) = 1 / (1 + e), sigmoid(-|x|) = e / (1 + e).

void values(const float* x, float sign, float* out, std::int64_t count) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) {
    const float value = sign * x[i], e = vector_math::exp(value > 0.0F ? -value : value);
    out[i] = (value > 0.0F ? 1.0F : e) / (1.0F + e);
  }
}

template <Accumulate mode>
void gradients(const float* grad_out, const float* x, float sign, float* grad_x, std::int64_t count) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) {
    const float e = vector_math::exp(x[i] > 0.0F ? -x[i] : x[i]);
    const float gradient = sign * grad_out[i] * e / ((1.0F + e) * (1.0F + e));
    grad_x[i] = mode == Accumulate::Add ? grad_x[i] + gradient : gradient;
  }
}

}  // namespace

void sigmoid(CpuQueue, View<const float> x, float sign, View<float> out) {
  for_each_block(x.count(), [&](std::int64_t begin, std::int64_t end) {
    values(x.data + begin, sign, out.data + begin, end - begin);
  });
}

void sigmoid_backward(CpuQueue, View<const float> grad_out, View<const float> x, float sign, Accumulate mode,
                      View<float> grad_x) {
  const auto body = mode == Accumulate::Add ? gradients<Accumulate::Add> : gradients<Accumulate::Overwrite>;
  for_each_block(x.count(), [&](std::int64_t begin, std::int64_t end) {
    body(grad_out.data + begin, x.data + begin, sign, grad_x.data + begin, end - begin);
  });
}

}  // namespace isobath::kernel
