#include "ops/sum/blocks.hpp"
#include "ops/sum/sum.hpp"

namespace isobath::kernel {
namespace {

double total_of(const float* x, std::int64_t count) {
  double sum = 0.0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < count; ++i) sum += static_cast<double>(x[i]);
  return sum;
}

void add_to_all(float value, float* to, std::int64_t count) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) to[i] += value;
}

}  // namespace

void sum(CpuQueue, View<const float> x, float scale, View<const float> unit, View<double> partial, View<float> out) {
  const double total = sum_of_blocks(
      x.count(), partial, [&](std::int64_t begin, std::int64_t end) { return total_of(x.data + begin, end - begin); });
  out[0] = static_cast<float>(static_cast<double>(scale) * unit[0] * total);
}

void sum_backward(CpuQueue, View<const float> grad_out, float scale, View<const float> unit, Accumulate mode,
                  View<float> grad_x) {
  const auto each = static_cast<float>(static_cast<double>(scale) * unit[0] * grad_out[0]);
  for_each_block(grad_x.count(), [&](std::int64_t begin, std::int64_t end) {
    if (mode == Accumulate::Overwrite)
      std::fill(grad_x.data + begin, grad_x.data + end, each);
    else
      add_to_all(each, grad_x.data + begin, end - begin);
  });
}

}  // namespace isobath::kernel
