#include <algorithm>
#include <limits>

#include "ops/core/cuda/launch.hpp"
#include "ops/cross_entropy/cross_entropy.hpp"
#include "ops/cross_entropy/row_sum.cuh"
#include "ops/tensor/matrix.cuh"

// A block scores a row: one pass to its sum, and one more where the gradient takes the place of the logits. The second
// one finds in shared memory what fits there: logits are most of what a training step reads and writes.

namespace isobath::kernel {
namespace {

using cuda::Matrix;

constexpr int kMaxThreads = 256;
constexpr int kReplaceThreads = 1024;  // of a block that keeps its row: few find room on a multiprocessor
// Logits of a row that are kept: as many as compute capability 8.0 has room for, which is 163 KiB.
constexpr std::int64_t kKeptLogits = 160 * 1024 / sizeof(float);
constexpr int kTotalThreads = 512;  // of the one block that sums the losses

template <int kLength>
cuda::LaunchShape a_block_per_row(std::int64_t rows, std::int64_t columns, unsigned most_threads) {
  const unsigned warps = cuda::blocks_for((columns + kLength - 1) / kLength, cuda::kWarp);
  return {.blocks = static_cast<unsigned>(rows), .threads = std::min(warps * cuda::kWarp, most_threads)};
}

/// What is known of each row besides its logits, and where its scores go.
struct Scores {
  const std::int32_t* targets;
  float* losses;
  float z_weight;
  float* penalties;  // may be null

  __device__ __forceinline__ void put(std::int64_t row, float loss, double penalty) const {
    losses[row] = loss;
    if (penalties != nullptr) penalties[row] = static_cast<float>(penalty);
  }

  /// The scores of a row, by one thread; returns log of the sum of e^logit.
  __device__ __forceinline__ double put(std::int64_t row, const RowSum& sum, float at_target) const {
    const double log_of_terms = log(static_cast<double>(sum.sum));
    const double log_sum = log_of_terms + static_cast<double>(sum.largest);
    put(row, static_cast<float>(log_of_terms + (static_cast<double>(sum.largest) - static_cast<double>(at_target))),
        static_cast<double>(z_weight) * log_sum * log_sum);
    return log_sum;
  }
};

enum class TargetIs { Valid, Ignored, Outside };

__device__ __forceinline__ TargetIs kind_of(std::int32_t target, std::int64_t classes) {
  if (target == kIgnoredTarget) return TargetIs::Ignored;
  return target >= 0 && target < classes ? TargetIs::Valid : TargetIs::Outside;
}

// What rows without a valid target have for all their numbers: one outside the vocabulary must not pass unseen.
__device__ __forceinline__ float without_target(TargetIs kind) { return kind == TargetIs::Ignored ? 0.0F : NAN; }

template <int kLength>
__global__ void __launch_bounds__(kMaxThreads) score_rows(Matrix<const float> logits, Scores scores) {
  const std::int64_t row = blockIdx.x;
  const std::int32_t target = scores.targets[row];
  const TargetIs kind = kind_of(target, logits.columns);
  if (kind != TargetIs::Valid) {
    if (threadIdx.x == 0) scores.put(row, without_target(kind), without_target(kind));
    return;
  }
  const float* const x = logits.row(row);
  const RowSum sum = sum_of_row<kLength>(x, logits.columns, [](std::int64_t, const cuda::Pack<kLength>&) {});
  if (threadIdx.x == 0) scores.put(row, sum, x[target]);
}

template <int kLength>
__device__ __forceinline__ void fill_row(float* to, std::int64_t columns, float value) {
  cuda::Pack<kLength> pack;
#pragma unroll
  for (int e = 0; e < kLength; ++e) pack.values[e] = value;
  for (std::int64_t c = threadIdx.x * kLength; c < columns; c += blockDim.x * kLength) cuda::store(to + c, pack);
}

struct FactorScratch {
  float factor;
};

template <int kLength>
__global__ void __launch_bounds__(kReplaceThreads)
    replace_rows(Matrix<float> logits, const float* scale, Scores scores) {
  const std::int64_t row = blockIdx.x, columns = logits.columns;
  float* const x = logits.row(row);
  const std::int32_t target = scores.targets[row];
  const TargetIs kind = kind_of(target, columns);
  if (kind != TargetIs::Valid) {
    fill_row<kLength>(x, columns, without_target(kind));
    if (threadIdx.x == 0) scores.put(row, without_target(kind), without_target(kind));
    return;
  }
  auto& shared = cuda::block_shared<FactorScratch>();
  const float unit = scale[0];
  float* const kept = cuda::dynamic_shared<float>();  // a thread finds its own packs there
  const RowSum sum = sum_of_row<kLength>(x, columns, [=](std::int64_t c, const cuda::Pack<kLength>& pack) {
    if (c < kKeptLogits) cuda::store(kept + c, pack);
  });
  if (threadIdx.x == 0) {
    const double log_sum = scores.put(row, sum, x[target]);
    const double pull = scores.z_weight != 0.0F ? 1.0 + 2.0 * static_cast<double>(scores.z_weight) * log_sum : 1.0;
    shared.factor = static_cast<float>(static_cast<double>(unit) / static_cast<double>(sum.sum) * pull);
  }
  __syncthreads();  // the target's logit has been read, too
  const float factor = shared.factor;
  for (std::int64_t c = threadIdx.x * kLength; c < columns; c += blockDim.x * kLength) {
    auto pack = cuda::load<kLength>(c < kKeptLogits ? kept + c : x + c);
#pragma unroll
    for (int e = 0; e < kLength; ++e) {
      pack.values[e] = expf(pack.values[e] - sum.largest) * factor;
      if (c + e == target) pack.values[e] -= unit;
    }
    cuda::store(x + c, pack);
  }
}

struct TotalScratch {
  double of_warp[cuda::kMaxWarps];
};

__device__ __forceinline__ double warp_total(double value) {
#pragma unroll
  for (unsigned distance = cuda::kWarp / 2; distance > 0; distance /= 2)
    value += __shfl_xor_sync(cuda::kAllLanes, value, distance);
  return value;
}

__global__ void __launch_bounds__(kTotalThreads)
    sum_losses(const float* losses, std::int64_t rows, const float* scale, float* total) {
  auto& scratch = cuda::block_shared<TotalScratch>();
  double own = 0.0;
  for (std::int64_t row = threadIdx.x; row < rows; row += kTotalThreads) own += static_cast<double>(losses[row]);
  own = warp_total(own);
  const unsigned lane = threadIdx.x % cuda::kWarp, warp = threadIdx.x / cuda::kWarp;
  if (lane == 0) scratch.of_warp[warp] = own;
  __syncthreads();
  if (warp != 0) return;
  own = warp_total(lane < kTotalThreads / cuda::kWarp ? scratch.of_warp[lane] : 0.0);
  if (lane == 0) total[0] = static_cast<float>(static_cast<double>(scale[0]) * own);
}

template <int kLength>
__global__ void __launch_bounds__(kMaxThreads) multiply(float* gradient, std::int64_t count, const float* factor) {
  const float by = factor[0];
  const std::int64_t at = (static_cast<std::int64_t>(blockIdx.x) * kMaxThreads + threadIdx.x) * kLength;
  if (by == 1.0F || at >= count) return;
  auto pack = cuda::load<kLength>(gradient + at);
#pragma unroll
  for (int e = 0; e < kLength; ++e) pack.values[e] *= by;
  cuda::store(gradient + at, pack);
}

Scores scores_of(View<const std::int32_t> targets, View<float> losses, const ZPenalty& z) {
  return {targets.data, losses.data, z.weight, z.penalties.data};
}

}  // namespace

void cross_entropy(CudaQueue queue, View<const float> logits, View<const std::int32_t> targets, View<float> losses,
                   const ZPenalty& z) {
  if (targets.count() == 0) return;
  const Matrix<const float> x(logits);
  cuda::with_length<float>(
      [&](auto length) {
        cuda::launch("cross_entropy", &score_rows<length()>, a_block_per_row<length()>(x.rows, x.columns, kMaxThreads),
                     queue, x, scores_of(targets, losses, z));
      },
      x);
}

void cross_entropy_in_place(CudaQueue queue, View<float> logits, View<const std::int32_t> targets,
                            View<const float> scale, View<float> losses, const ZPenalty& z) {
  if (targets.count() == 0) return;
  const Matrix<float> x(logits);
  cuda::with_length<float>(
      [&](auto length) {
        cuda::LaunchShape shape = a_block_per_row<length()>(x.rows, x.columns, kReplaceThreads);
        shape.dynamic_bytes = static_cast<std::size_t>(std::min(x.columns, kKeptLogits)) * sizeof(float);
        cuda::launch("cross_entropy", &replace_rows<length()>, shape, queue, x, scale.data,
                     scores_of(targets, losses, z));
      },
      x);
}

void cross_entropy_total(CudaQueue queue, View<const float> losses, View<const float> scale, View<float> total) {
  cuda::launch("cross_entropy", &sum_losses, {.blocks = 1, .threads = kTotalThreads}, queue, losses.data,
               losses.count(), scale.data, total.data);
}

void cross_entropy_backward(CudaQueue queue, View<float> gradient, View<const float> factor) {
  if (gradient.count() == 0) return;
  const Matrix<float> flat(View<float>{gradient.data, Shape{gradient.count()}});
  cuda::with_length<float>(
      [&](auto length) {
        cuda::launch("cross_entropy", &multiply<length()>,
                     {.blocks = cuda::blocks_for(flat.columns, kMaxThreads * length()), .threads = kMaxThreads}, queue,
                     flat.data, flat.columns, factor.data);
      },
      flat);
}

}  // namespace isobath::kernel
