#include "ops/sum/blocks.hpp"
#include "ops/sum_of_squares/sum_of_squares.hpp"

namespace isobath::kernel {
namespace {

double squares(const float* x, std::int64_t count) {
  double sum = 0.0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < count; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return sum;
}

}  // namespace

void sum_of_squares(CpuQueue, View<const float> x, View<double> partial, View<double> out, Accumulate mode) {
  const double sum = sum_of_blocks(
      x.count(), partial, [&](std::int64_t begin, std::int64_t end) { return squares(x.data + begin, end - begin); });
  out[0] = mode == Accumulate::Add ? out[0] + sum : sum;
}

}  // namespace isobath::kernel
