#include <algorithm>
#include <bit>
#include <functional>

#include "ops/core/threads.hpp"
#include "ops/top_k/top_k.hpp"

namespace isobath::kernel {
namespace {

// A word whose unsigned order is that of the scores: NaN at the bottom, -0 and +0 equal.
std::uint32_t order_of(float score) {
  if (score != score) return 0;
  const auto bits = std::bit_cast<std::uint32_t>(score + 0.0F);  // -0 + 0 is +0
  return (bits >> 31) != 0 ? ~bits : bits | 0x80000000u;
}

// Unique in a sequence, greater for what is chosen first: the score above, the lower index below.
std::int64_t rank_of(float score, std::int64_t position) {
  const auto order = static_cast<std::int64_t>(order_of(score)) - (std::int64_t{1} << 31);
  return order * (std::int64_t{1} << 32) + ((std::int64_t{1} << 32) - 1 - position);
}

void choose(const float* scores, std::int64_t sequence, std::int64_t length, std::int64_t k, std::int64_t* scratch,
            std::int32_t* rows, std::int32_t* positions) {
  for (std::int64_t t = 0; t < length; ++t) scratch[t] = rank_of(scores[t], t);
  std::nth_element(scratch, scratch + k - 1, scratch + length, std::greater<>());
  const std::int64_t last_chosen = scratch[k - 1];
  std::int64_t found = 0;
  for (std::int64_t t = 0; t < length; ++t) {
    if (rank_of(scores[t], t) < last_chosen) continue;
    rows[found] = static_cast<std::int32_t>(sequence * length + t);
    positions[found++] = static_cast<std::int32_t>(t);
  }
}

}  // namespace

void top_k(CpuQueue, View<const float> scores, std::int64_t length, std::int64_t k, View<std::int32_t> rows,
           View<std::int32_t> offsets, View<std::int32_t> positions) {
  const std::int64_t batch = offsets.count() - 1;
  const Tensor scratch = Tensor::empty(Shape{batch, length}, DType::I64);
  const View<std::int64_t> ranks = scratch.view<std::int64_t>();
  for (std::int64_t s = 0; s <= batch; ++s) offsets[s] = static_cast<std::int32_t>(s * k);
  parallel_for(batch, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t s = begin; s < end; ++s)
      choose(scores.data + s * length, s, length, k, ranks.row(s), rows.data + s * k, positions.data + s * k);
  });
}

std::int64_t count_above(CpuQueue, View<const float> scores, std::int64_t length, float threshold,
                         View<std::int32_t> offsets) {
  offsets[0] = 0;
  for (std::int64_t s = 0; s + 1 < offsets.count(); ++s) {
    std::int32_t count = 0;
#pragma omp simd reduction(+ : count)
    for (std::int64_t i = s * length; i < (s + 1) * length; ++i) count += scores[i] > threshold ? 1 : 0;
    offsets[s + 1] = offsets[s] + count;
  }
  return offsets[offsets.count() - 1];
}

void list_above(CpuQueue, View<const float> scores, std::int64_t length, float threshold,
                View<const std::int32_t> offsets, View<std::int32_t> rows, View<std::int32_t> positions) {
  for (std::int64_t s = 0; s + 1 < offsets.count(); ++s) {
    std::int32_t next = offsets[s];
    for (std::int64_t t = 0; t < length; ++t) {
      if (!(scores[s * length + t] > threshold)) continue;
      rows[next] = static_cast<std::int32_t>(s * length + t);
      positions[next++] = static_cast<std::int32_t>(t);
    }
  }
}

}  // namespace isobath::kernel
