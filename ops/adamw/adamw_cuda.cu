#include <algorithm>
#include <cmath>

#include "ops/adamw/adamw.hpp"
#include "ops/core/cuda/launch.hpp"
#include "ops/core/cuda/pack.cuh"

namespace isobath::kernel {
namespace {

constexpr unsigned kThreads = 256;
constexpr std::int64_t kBlockElements = 1 << 12;  // at most, of one range

/// A range and the first of the blocks that update it. Its blocks begin at `start`, at or before `begin`, where a
/// vector may.
struct Part {
  std::int64_t start, begin, end;
  float weight_decay, rate;
  std::int64_t first_block;
};

/// The ranges travel with the launch: no copy to the device, and nothing to keep until the kernel has run.
template <int kCapacity>
struct Parts {
  Part parts[kCapacity];
  int count;

  __device__ __forceinline__ const Part& of_block(std::int64_t block) const {
    int low = 0;  // the last part that does not begin behind the block
    for (int high = count; high - low > 1;) {
      const int middle = (low + high) / 2;
      if (parts[middle].first_block <= block)
        low = middle;
      else
        high = middle;
    }
    return parts[low];
  }
};

// Parameters of a launch may take 4 KiB cheaply and 32764 bytes at most (CUDA programming guide, __global__ function
// parameters).
constexpr int kFewParts = 96, kManyParts = 800;
static_assert(sizeof(Parts<kFewParts>) <= 4096 - 128 && sizeof(Parts<kManyParts>) <= 32764 - 128);

struct Pointers {
  float* weights;
  const float* gradients;
  float *first, *second;
};

/// What all elements of a block share; made in f64, once a block.
struct Factors {
  float scale, beta1, beta2, one_minus_beta1, one_minus_beta2, step, root_correction, epsilon, decay;
};

__device__ Factors factors_of(const AdamWSettings& settings, const double* control, const Part& part) {
  const double beta1 = settings.beta1, beta2 = settings.beta2, index = control[kUpdateIndex],
               rate = control[kLearningRate];
  return {.scale = static_cast<float>(control[kGradientScale]),
          .beta1 = settings.beta1,
          .beta2 = settings.beta2,
          .one_minus_beta1 = static_cast<float>(1.0 - beta1),
          .one_minus_beta2 = static_cast<float>(1.0 - beta2),
          .step = static_cast<float>(rate / (1.0 - pow(beta1, index))) * part.rate,
          .root_correction = static_cast<float>(1.0 / sqrt(1.0 - pow(beta2, index))),
          .epsilon = settings.epsilon,
          .decay = static_cast<float>(rate * part.weight_decay)};
}

// Products are contracted into sums by name, so that an element's bits do not depend on the pack it is in.
template <int kLength>
__device__ __forceinline__ void update(const Pointers& at, const Factors& f, std::int64_t i) {
  auto w = cuda::load<kLength>(at.weights + i), m = cuda::load<kLength>(at.first + i),
       v = cuda::load<kLength>(at.second + i);
  const auto gradients = cuda::load<kLength>(at.gradients + i);
#pragma unroll
  for (int e = 0; e < kLength; ++e) {
    const float gradient = gradients.values[e] * f.scale;
    m.values[e] = fmaf(f.beta1, m.values[e], f.one_minus_beta1 * gradient);
    v.values[e] = fmaf(f.beta2, v.values[e], f.one_minus_beta2 * gradient * gradient);
    const float step = f.step * m.values[e] / fmaf(sqrtf(v.values[e]), f.root_correction, f.epsilon);
    w.values[e] -= fmaf(f.decay, w.values[e], step);
  }
  cuda::store(at.weights + i, w);
  cuda::store(at.first + i, m);
  cuda::store(at.second + i, v);
}

template <int kLength, int kCapacity>
__global__ void __launch_bounds__(kThreads) update_parts(const __grid_constant__ Parts<kCapacity> parts, Pointers at,
                                                         AdamWSettings settings, const double* control) {
  if (control[kGo] == 0.0) return;
  const Part& part = parts.of_block(blockIdx.x);
  auto& shared = cuda::block_shared<Factors>();
  if (threadIdx.x == 0) shared = factors_of(settings, control, part);
  __syncthreads();
  const Factors factors = shared;
  const std::int64_t start = part.start + (blockIdx.x - part.first_block) * kBlockElements;
  const std::int64_t limit = start + kBlockElements, end = limit < part.end ? limit : part.end;
  for (std::int64_t i = start + threadIdx.x * kLength; i < end; i += kThreads * kLength) {
    if (i >= part.begin && i + kLength <= end) {
      update<kLength>(at, factors, i);
    } else {
      for (std::int64_t one = i; one < i + kLength && one < end; ++one)
        if (one >= part.begin) update<1>(at, factors, one);
    }
  }
}

/// One launch for as many ranges as fit.
template <int kLength, int kCapacity>
void launch_update(CudaQueue queue, const Pointers& at, std::span<const AdamWRange> ranges,
                   const AdamWSettings& settings, const double* control) {
  Parts<kCapacity> parts{};
  std::int64_t blocks = 0;
  for (const AdamWRange& range : ranges) {
    if (range.begin == range.end) continue;
    const std::int64_t start = range.begin / kLength * kLength;
    parts.parts[parts.count++] = {start, range.begin, range.end, range.weight_decay, range.rate, blocks};
    blocks += cuda::blocks_for(range.end - start, kBlockElements);
  }
  if (blocks > 0)
    cuda::launch("adamw", &update_parts<kLength, kCapacity>,
                 {.blocks = static_cast<unsigned>(blocks), .threads = kThreads}, queue, parts, at, settings, control);
}

}  // namespace

void adamw(CudaQueue queue, AdamWBuffers buffers, std::span<const AdamWRange> ranges, const AdamWSettings& settings,
           View<const double> control) {
  const Pointers at{buffers.weights.data, buffers.gradients.data, buffers.first.data, buffers.second.data};
  const bool vectors =
      cuda::allows_vectors(at.weights, cuda::kVectorBytes) && cuda::allows_vectors(at.gradients, cuda::kVectorBytes) &&
      cuda::allows_vectors(at.first, cuda::kVectorBytes) && cuda::allows_vectors(at.second, cuda::kVectorBytes);
  const auto start = [&]<int kLength>(cuda::Length<kLength>) {
    if (ranges.size() <= kFewParts) return launch_update<kLength, kFewParts>(queue, at, ranges, settings, control.data);
    for (std::size_t first = 0; first < ranges.size(); first += kManyParts)
      launch_update<kLength, kManyParts>(
          queue, at, ranges.subspan(first, std::min<std::size_t>(kManyParts, ranges.size() - first)), settings,
          control.data);
  };
  if (vectors)
    start(cuda::Length<cuda::kVectorLength<float>>{});
  else
    start(cuda::Length<1>{});
}

}  // namespace isobath::kernel
