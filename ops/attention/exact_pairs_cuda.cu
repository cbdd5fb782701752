#include "ops/attention/cuda/members.cuh"
#include "ops/attention/exact_pairs.hpp"
#include "ops/core/cuda/launch.hpp"
#include "ops/core/cuda/reduce.cuh"

namespace isobath::kernel {
namespace {

constexpr unsigned kThreads = 256;

// The sequence of member i: the last one that begins at it or before.
__device__ std::int64_t sequence_of(const SequenceRows& rows, std::int64_t i) {
  std::int64_t low = 0, left = rows.batch;
  while (left > 1) {
    const std::int64_t half = left / 2;
    const bool begins = rows.begin(low + half) <= i;
    low = begins ? low + half : low;
    left = begins ? left - half : half;
  }
  return low;
}

// One block. Sums of whole numbers are exact, in whatever order.
__global__ void __launch_bounds__(kThreads)
    count_pairs(SequenceRows queries, SequenceRows keys, std::int64_t members, double factor, double* total) {
  double pairs[1] = {0.0};
  for (std::int64_t i = threadIdx.x; i < members; i += kThreads) {
    const std::int64_t sequence = sequence_of(queries, i);
    const flash::Members asking(queries, sequence), asked(keys, sequence);
    pairs[0] += static_cast<double>(asked.through(asking.position(i - asking.begin)));
  }
  cuda::block_sum(pairs);
  if (threadIdx.x == 0) *total += factor * pairs[0];
}

}  // namespace

void add_visible_pairs(CudaQueue queue, const SequenceRows& queries, const SequenceRows& keys, std::int64_t members,
                       double factor, View<double> total) {
  if (members == 0) return;
  cuda::launch("add_visible_pairs", &count_pairs, {.blocks = 1, .threads = kThreads}, queue, queries, keys, members,
               factor, total.data);
}

}  // namespace isobath::kernel
