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

/// The part of number `lane` of kLanes neighbouring threads in <a, b>.
template <int kLanes, int kLength, class T>
__device__ __forceinline__ float part_of_dot(const T* a, const T* b, int width, int lane) {
  float sum = 0.0F;
  for (int d = kLength * lane; d < width; d += kLength * kLanes) {
    const auto left = cuda::load<kLength>(a + d), right = cuda::load<kLength>(b + d);
#pragma unroll
    for (int e = 0; e < kLength; ++e) sum = fmaf(left.values[e], right.values[e], sum);
  }
  return sum;
}

/// <a, b> of one row of a head by kLanes neighbouring threads, of which the caller is number `lane`; all of them get
/// it. The few threads of a row in the kernels for bf16 read vectors where they may; more of them share a row's
/// sectors.
template <int kLanes, class T>
__device__ __forceinline__ float dot_of_rows(const HeadRows<const T>& a, const HeadRows<const T>& b, std::int64_t row,
                                             int lane) {
  constexpr int kLength = kLanes <= 4 ? cuda::kVectorLength<T> : 1;
  float sum = a.access == Access::Vectors ? part_of_dot<kLanes, kLength>(a.row(row), b.row(row), a.width, lane)
                                          : part_of_dot<kLanes, 1>(a.row(row), b.row(row), a.width, lane);
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
