#pragma once
// Loops over fixed blocks. What happens to an element, and in which order a sum is taken, depends on the block alone
// and never on how many threads share the blocks.

#include <algorithm>

#include "ops/core/threads.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath::kernel {

/// Elements of a block: 16 KiB of f32.
inline constexpr std::int64_t kBlock = 1 << 12;

/// body(begin, end) for every block of [0, count), the last one short.
template <class Body>
void for_each_block(std::int64_t count, Body&& body) {
  parallel_for((count + kBlock - 1) / kBlock, 2, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t block = first; block < last; ++block) body(block * kBlock, std::min(count, (block + 1) * kBlock));
  });
}

/// The f64 values body(begin, end) of every block of [0, count), added in the order of the blocks.
template <class Body>
double sum_of_blocks(std::int64_t count, Body&& body) {
  const Tensor partial = Tensor::empty(Shape{(count + kBlock - 1) / kBlock}, DType::F64);
  const View<double> sums = partial.view<double>();
  for_each_block(count, [&](std::int64_t begin, std::int64_t end) { sums[begin / kBlock] = body(begin, end); });
  double total = 0.0;
  for (std::int64_t block = 0; block < sums.count(); ++block) total += sums[block];
  return total;
}

}  // namespace isobath::kernel
