#include <algorithm>

#include "ops/core/cuda/read_word.hpp"
#include "ops/core/cuda/scan.cuh"
#include "ops/top_k/listing.cuh"
#include "ops/top_k/radix_select.cuh"
#include "ops/top_k/top_k.hpp"

// One block a sequence; every count is an integer, so that no order of threads shows.

namespace isobath::kernel {
namespace {

// Words of a sequence that a block keeps: 40 KiB, which together with its counts needs no asking for.
constexpr std::int64_t kKeptWords = 10240;

cuda::LaunchShape a_block_per_sequence(std::int64_t batch) {
  return {.blocks = static_cast<unsigned>(std::max<std::int64_t>(batch, 1)), .threads = kListThreads};
}

__global__ void __launch_bounds__(kListThreads)
    choose(const float* scores, std::int64_t batch, std::int64_t length, std::int32_t k, std::int32_t* rows,
           std::int32_t* offsets, std::int32_t* positions) {
  const std::int64_t sequence = blockIdx.x;
  if (threadIdx.x == 0) {
    offsets[sequence] = static_cast<std::int32_t>(sequence * k);
    if (sequence + 1 >= batch) offsets[batch] = static_cast<std::int32_t>(batch * k);
  }
  if (sequence >= batch) return;
  const float* const own = scores + sequence * length;
  const Words words{own, cuda::dynamic_shared<std::uint32_t>(), length < kKeptWords ? length : kKeptWords};
  for (std::int64_t t = threadIdx.x; t < words.kept; t += kListThreads) words.words[t] = order_of(own[t]);
  __syncthreads();
  const Threshold least = select(words, length, k);
  const ListTarget to{rows + sequence * k, positions + sequence * k, sequence * length};
  std::int32_t total[2] = {0, 0};  // above the threshold, equal to it
  for (std::int64_t begin = 0; begin < length; begin += kListThreads) {
    const std::int64_t t = begin + threadIdx.x;
    const std::uint32_t word = t < length ? words[t] : 0;
    const bool flags[2] = {t < length && word > least.word, t < length && word == least.word};
    std::int32_t before[2] = {total[0], total[1]};
    count_flags(flags, before, total);
    const std::int32_t equals = before[1] < least.equals ? before[1] : least.equals;
    if (flags[0] || (flags[1] && before[1] < least.equals)) to.put(before[0] + equals, t);
  }
}

// offsets[s + 1] = the number of rows above the threshold in sequence s alone.
__global__ void __launch_bounds__(kListThreads)
    count_sequence(const float* scores, std::int64_t length, float threshold, std::int32_t* offsets) {
  const float* const own = scores + blockIdx.x * length;
  std::int32_t before[1] = {0}, total[1] = {0};
  for (std::int64_t begin = 0; begin < length; begin += kListThreads) {
    const std::int64_t t = begin + threadIdx.x;
    const bool flags[1] = {t < length && own[t] > threshold};
    count_flags(flags, before, total);
  }
  if (threadIdx.x == 0) offsets[blockIdx.x + 1] = total[0];
}

// Counts in offsets[1 ..] become their running sums; offsets[0] = 0. One block.
__global__ void __launch_bounds__(kListThreads) sum_counts(std::int32_t* offsets, std::int64_t batch) {
  if (threadIdx.x == 0) offsets[0] = 0;
  std::int32_t carried = 0;
  for (std::int64_t begin = 0; begin < batch; begin += kListThreads) {
    const std::int64_t s = begin + threadIdx.x;
    const cuda::Running sum = cuda::running_sum(s < batch ? offsets[s + 1] : 0);
    if (s < batch) offsets[s + 1] = carried + sum.through;
    carried += sum.total;
  }
}

__global__ void __launch_bounds__(kListThreads)
    list_sequence(const float* scores, std::int64_t length, float threshold, const std::int32_t* offsets,
                  std::int32_t* rows, std::int32_t* positions) {
  const std::int64_t first_row = blockIdx.x * length;
  const ListTarget to{rows, positions, first_row};
  std::int32_t total[1] = {offsets[blockIdx.x]};
  for (std::int64_t begin = 0; begin < length; begin += kListThreads) {
    const std::int64_t t = begin + threadIdx.x;
    const bool flags[1] = {t < length && scores[first_row + t] > threshold};
    std::int32_t before[1] = {total[0]};
    count_flags(flags, before, total);
    if (flags[0]) to.put(before[0], t);
  }
}

}  // namespace

void top_k(CudaQueue queue, View<const float> scores, std::int64_t length, std::int64_t k, View<std::int32_t> rows,
           View<std::int32_t> offsets, View<std::int32_t> positions) {
  const std::int64_t batch = offsets.count() - 1;
  cuda::LaunchShape shape = a_block_per_sequence(batch);
  shape.dynamic_bytes = static_cast<std::size_t>(std::min(length, kKeptWords)) * sizeof(std::uint32_t);
  cuda::launch("top_k", &choose, shape, queue, scores.data, batch, length, k, rows.data, offsets.data, positions.data);
}

std::int64_t count_above(CudaQueue queue, View<const float> scores, std::int64_t length, float threshold,
                         View<std::int32_t> offsets) {
  const std::int64_t batch = offsets.count() - 1;
  if (batch > 0)
    cuda::launch("rows_above", &count_sequence, a_block_per_sequence(batch), queue, scores.data, length, threshold,
                 offsets.data);
  cuda::launch("rows_above", &sum_counts, {.blocks = 1, .threads = kListThreads}, queue, offsets.data, batch);
  return cuda::read_word(queue, offsets.data + batch);
}

void list_above(CudaQueue queue, View<const float> scores, std::int64_t length, float threshold,
                View<const std::int32_t> offsets, View<std::int32_t> rows, View<std::int32_t> positions) {
  if (rows.count() == 0) return;
  cuda::launch("rows_above", &list_sequence, a_block_per_sequence(offsets.count() - 1), queue, scores.data, length,
               threshold, offsets.data, rows.data, positions.data);
}

}  // namespace isobath::kernel
