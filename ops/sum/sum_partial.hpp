#pragma once
// Sums over fixed blocks: a kernel puts the sum of each block into scratch memory, and adds them in the order of the
// blocks.

#include "ops/tensor/tensor.hpp"

namespace isobath::kernel {

/// Elements of a block: 16 KiB of f32.
inline constexpr std::int64_t kSumBlock = 1 << 12;
constexpr std::int64_t sum_blocks(std::int64_t count) { return (count + kSumBlock - 1) / kSumBlock; }

/// f64 [sum_blocks(count)], uninitialised.
inline Tensor partial_sums(std::int64_t count, Device device) {
  return Tensor::empty(Shape{sum_blocks(count)}, DType::F64, device);
}

}  // namespace isobath::kernel
