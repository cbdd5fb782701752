#include "ops/bce_with_logits/bce_with_logits.hpp"
#include "ops/core/cpu/vector_math.hpp"
#include "ops/core/cuda/elementwise.cuh"
#include "ops/core/cuda/search.cuh"
#include "ops/sum/ordered_sum.cuh"

namespace isobath::kernel {
namespace {

/// -1 where the target is 1 and +1 where it is 0: BCE = softplus(sign * logit), and its derivative is
/// sign * sigmoid(sign * logit), both free of cancellation.
struct Signs {
  const std::int32_t* rows;
  std::int64_t count;  // of rows; below 0: every row is a target

  explicit Signs(const Targets& targets)
      : rows(targets.rows.data), count(targets.kind == Targets::Kind::All ? -1 : targets.rows.count()) {}

  __device__ __forceinline__ float of(std::int64_t row) const {
    if (count < 0) return -1.0F;
    const std::int64_t at = cuda::lower_bound(rows, count, row);
    return at < count && rows[at] == row ? -1.0F : 1.0F;
  }
};

struct Losses {
  const float* logits;
  Signs signs;

  template <int kLength>
  __device__ double operator()(cuda::Length<kLength>, std::int64_t i) const {
    double sum = 0.0;
    for (int e = 0; e < kLength; ++e) {
      const double value = static_cast<double>(signs.of(i + e)) * logits[i + e];
      // fmax would hide a NaN, which the second term shows
      sum += fmax(value, 0.0) + log1p(exp(-fabs(value)));
    }
    return sum;
  }
};

struct Gradients {
  const float *grad_out, *logits, *unit;
  float scale;
  Signs signs;
  Accumulate mode;
  float* grad_logits;

  template <int kLength>
  __device__ void operator()(cuda::Length<kLength>, std::int64_t i) const {
    const auto factor = static_cast<float>(static_cast<double>(scale) * unit[0] * grad_out[0]);
    auto pack = cuda::load<kLength>(logits + i);
#pragma unroll
    for (int e = 0; e < kLength; ++e) {
      const float sign = signs.of(i + e), value = sign * pack.values[e], exponential = vector_math::exp(-fabsf(value));
      pack.values[e] = factor * sign * (value > 0.0F ? 1.0F : exponential) / (1.0F + exponential);
    }
    cuda::put(grad_logits + i, mode, pack);
  }
};

}  // namespace

void bce_with_logits(CudaQueue queue, View<const float> logits, Targets targets, float scale, View<const float> unit,
                     View<double> partial, View<float> out) {
  launch_ordered_sum("bce_with_logits", queue, logits.count(), logits.data, partial,
                     Losses{logits.data, Signs(targets)}, ScaledSum{scale, unit.data, out.data});
}

void bce_with_logits_backward(CudaQueue queue, View<const float> grad_out, View<const float> logits, Targets targets,
                              float scale, View<const float> unit, Accumulate mode, View<float> grad_logits) {
  cuda::launch_elementwise<float>(
      "bce_with_logits_backward", queue, logits.count(),
      Gradients{grad_out.data, logits.data, unit.data, scale, Signs(targets), mode, grad_logits.data}, logits.data,
      grad_logits.data);
}

}  // namespace isobath::kernel
