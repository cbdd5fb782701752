#pragma once

#include <cstdint>

namespace isobath::kernel {

/// The sum over `count` elements of a[i] * b[i], in f32 and in lanes.
template <class T>
float dot(const T* a, const T* b, std::int64_t count) {
  float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < count; ++i) sum += float(a[i]) * float(b[i]);
  return sum;
}

}  // namespace isobath::kernel
