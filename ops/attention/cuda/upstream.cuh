#pragma once
// What both kernels of the backward pass read besides the inputs, and what they do to a score.

#include "ops/attention/cuda/operands.cuh"

namespace isobath::flash {

/// out, grad_out: [Q, heads * D]; log2_sum: [heads, rows].
template <class T>
struct Upstream {
  const T *out, *grad_out;
  const float* log2_sum;
  std::int64_t rows;
};

/// <a, b> of rows of a head by kLanes neighbouring threads, of which the caller is number `lane`; all of them get it.
template <int kLanes, class T>
__device__ __forceinline__ float dot_of_rows(const T* a, const T* b, int width, int lane) {
  float sum = 0.0F;
  for (int d = lane; d < width; d += kLanes) sum = fmaf(static_cast<float>(a[d]), static_cast<float>(b[d]), sum);
#pragma unroll
  for (int distance = kLanes / 2; distance > 0; distance /= 2) sum += __shfl_xor_sync(cuda::kAllLanes, sum, distance);
  return sum;
}

/// A score becomes its probability, and the slope, the gradient of that, the gradient of the score.
__device__ __forceinline__ void through_softmax(float& score, float& slope, float log2_sum, float delta) {
  score = exp2f(score - log2_sum);
  slope = score * (slope - delta);
}

}  // namespace isobath::flash
