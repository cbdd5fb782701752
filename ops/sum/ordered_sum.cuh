#pragma once
// Sums in f64 whose order depends on the count and on the alignment of the data alone: a block of threads for each
// block of kSumBlock elements, then one block of threads for their sums.

#include "ops/core/cuda/launch.hpp"
#include "ops/core/cuda/pack_math.cuh"
#include "ops/core/cuda/reduce.cuh"
#include "ops/sum/sum_partial.hpp"

namespace isobath::kernel {

inline constexpr int kSumThreads = 256;

/// partial[b] = sum of term(i) over the elements of block b; term(Length<n>{}, i) is the sum of n of them.
template <int kLength, class Term>
__global__ void __launch_bounds__(kSumThreads) sum_each_block(std::int64_t count, Term term, double* partial) {
  const std::int64_t begin = blockIdx.x * kSumBlock, limit = begin + kSumBlock, end = limit < count ? limit : count;
  double sum[1] = {0.0};
  for (std::int64_t i = begin + threadIdx.x * kLength; i < end; i += kSumThreads * kLength) {
    if (i + kLength <= end)
      sum[0] += term(cuda::Length<kLength>{}, i);
    else
      for (std::int64_t rest = i; rest < end; ++rest) sum[0] += term(cuda::Length<1>{}, rest);
  }
  cuda::block_sum(sum);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum[0];
}

/// finish(the sum of `partial`), by one thread.
template <class Finish>
__global__ void __launch_bounds__(kSumThreads) finish_sum(std::int64_t blocks, const double* partial, Finish finish) {
  double sum[1] = {0.0};
  for (std::int64_t block = threadIdx.x; block < blocks; block += kSumThreads) sum[0] += partial[block];
  cuda::block_sum(sum);
  if (threadIdx.x == 0) finish(sum[0]);
}

/// The terms Of::term(x) of neighbouring f32 elements, in f64.
template <class Of>
struct Terms {
  const float* x;

  template <int kLength>
  __device__ double operator()(cuda::Length<kLength>, std::int64_t i) const {
    const auto pack = cuda::load<kLength>(x + i);
    double sum = 0.0;
#pragma unroll
    for (int e = 0; e < kLength; ++e) sum += Of::term(static_cast<double>(pack.values[e]));
    return sum;
  }
};

/// Queues both. `data` is what the terms read: where it begins at a multiple of 16 bytes, they are asked for by the
/// pack. `term` and `finish` are plain structs.
template <class Term, class Finish>
void launch_ordered_sum(const char* name, CudaQueue queue, std::int64_t count, const float* data, View<double> partial,
                        const Term& term, const Finish& finish) {
  const auto blocks = static_cast<unsigned>(partial.count());
  const auto start = [&]<int kLength>(cuda::Length<kLength>) {
    cuda::launch(name, &sum_each_block<kLength, Term>, {.blocks = blocks, .threads = kSumThreads}, queue, count, term,
                 partial.data);
  };
  if (blocks > 0) {
    if (cuda::allows_vectors(data, cuda::kVectorBytes))
      start(cuda::Length<cuda::kVectorLength<float>>{});
    else
      start(cuda::Length<1>{});
  }
  cuda::launch(name, &finish_sum<Finish>, {.blocks = 1, .threads = kSumThreads}, queue, partial.count(), partial.data,
               finish);
}

/// out[0] = scale * unit[0] * sum
struct ScaledSum {
  float scale;
  const float* unit;
  float* out;

  __device__ void operator()(double sum) const {
    out[0] = static_cast<float>(static_cast<double>(scale) * unit[0] * sum);
  }
};

}  // namespace isobath::kernel
