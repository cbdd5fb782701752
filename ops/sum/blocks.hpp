#pragma once
// Loops over fixed blocks. What happens to an element, and in which order a sum is taken, depends on the block alone
// and never on how many threads share the blocks.

#include <algorithm>

#include "ops/core/threads.hpp"
#include "ops/sum/sum_partial.hpp"

namespace isobath::kernel {

/// body(begin, end) for every block of [0, count), the last one short.
template <class Body>
void for_each_block(std::int64_t count, Body&& body) {
  parallel_for(sum_blocks(count), 2, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t block = first; block < last; ++block)
      body(block * kSumBlock, std::min(count, (block + 1) * kSumBlock));
  });
}

/// The f64 values body(begin, end) of every block of [0, count), added in the order of the blocks. partial:
/// [sum_blocks(count)], scratch for the value of each block.
template <class Body>
double sum_of_blocks(std::int64_t count, View<double> partial, Body&& body) {
  for_each_block(count, [&](std::int64_t begin, std::int64_t end) { partial[begin / kSumBlock] = body(begin, end); });
  double total = 0.0;
  for (std::int64_t block = 0; block < partial.count(); ++block) total += partial[block];
  return total;
}
/// The same with scratch of its own.
template <class Body>
double sum_of_blocks(std::int64_t count, Body&& body) {
  return sum_of_blocks(count, partial_sums(count, Device::cpu()).view<double>(), body);
}

}  // namespace isobath::kernel
