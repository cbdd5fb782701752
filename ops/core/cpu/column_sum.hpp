#pragma once
// Sums over rows whose order depends on nothing but the number of rows: blocks of fixed length, each summed in order by
// one thread, then the blocks in order.

#include <algorithm>
#include <cstdint>

#include "ops/core/accumulate.hpp"
#include "ops/core/allocator.hpp"
#include "ops/core/threads.hpp"

namespace isobath::kernel {

/// f32 sums of up to `rows` rows of `columns` elements. One thread at a time adds to a block; different blocks may be
/// filled at once.
class ColumnSum {
 public:
  /// Rows in a block; a sum is off by at most (kBlock + rows / kBlock) * 2^-24 * sum of magnitudes.
  static constexpr std::int64_t kBlock = 64;

  ColumnSum(std::int64_t rows, std::int64_t columns)
      : columns_(columns),
        blocks_((rows + kBlock - 1) / kBlock),
        storage_(Device::cpu(), static_cast<std::size_t>(blocks_ * columns) * sizeof(float)) {}

  std::int64_t blocks() const { return blocks_; }
  /// The sums of block `row / kBlock`, zeroed when `row` is its first.
  float* at(std::int64_t row) const {
    float* sums = static_cast<float*>(storage_.data()) + row / kBlock * columns_;
    if (row % kBlock == 0) std::fill_n(sums, columns_, 0.0F);
    return sums;
  }

  /// to[c] (+)= the sum over all rows.
  void finish(float* to, Accumulate mode) const {
    const float* partial = static_cast<const float*>(storage_.data());
    parallel_for(columns_, std::max<std::int64_t>(64, (1 << 14) / std::max<std::int64_t>(blocks_, 1)),
                 [&](std::int64_t begin, std::int64_t end) {
                   if (mode == Accumulate::Overwrite) std::fill(to + begin, to + end, 0.0F);
                   for (std::int64_t block = 0; block < blocks_; ++block) {
                     const float* sums = partial + block * columns_;
#pragma omp simd
                     for (std::int64_t c = begin; c < end; ++c) to[c] += sums[c];
                   }
                 });
  }

 private:
  std::int64_t columns_, blocks_;
  Block storage_;
};

}  // namespace isobath::kernel
