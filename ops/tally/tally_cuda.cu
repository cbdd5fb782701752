#include "ops/core/cuda/device.cuh"
#include "ops/core/cuda/launch.hpp"
#include "ops/tally/tally.hpp"

namespace isobath::kernel {
namespace {

constexpr unsigned kThreads = 1024;
constexpr cuda::LaunchShape kOneThread{.blocks = 1, .threads = 1};

__global__ void add_value(double* to, const float* value) { *to += static_cast<double>(*value); }

__global__ void add_number(double* to, double value) { *to += value; }

__global__ void invert(const double* total, float* out) {
  *out = *total == 0.0 ? 0.0F : static_cast<float>(1.0 / *total);
}

// One block counts in shared memory: the values are gates, one for each token of a micro-batch at most.
__global__ void __launch_bounds__(kThreads)
    count_bins(const float* values, std::int64_t count, double* totals, std::int64_t bins) {
  auto* const counts = cuda::dynamic_shared<unsigned>();
  for (std::int64_t bin = threadIdx.x; bin < bins; bin += kThreads) counts[bin] = 0;
  __syncthreads();
  for (std::int64_t i = threadIdx.x; i < count; i += kThreads) {
    const float inside = fminf(fmaxf(values[i], 0.0F), 1.0F) * static_cast<float>(bins);  // NaN counts in the first
    const auto bin = static_cast<std::int64_t>(inside);
    atomicAdd(&counts[bin < bins ? bin : bins - 1], 1U);
  }
  __syncthreads();
  for (std::int64_t bin = threadIdx.x; bin < bins; bin += kThreads) totals[bin] += static_cast<double>(counts[bin]);
}

}  // namespace

void tally(CudaQueue queue, View<double> to, View<const float> value) {
  cuda::launch("tally", &add_value, kOneThread, queue, to.data, value.data);
}

void tally(CudaQueue queue, View<double> to, double value) {
  cuda::launch("tally", &add_number, kOneThread, queue, to.data, value);
}

void tally_bins(CudaQueue queue, View<double> counts, View<const float> values) {
  if (values.count() == 0) return;
  const std::int64_t bins = counts.count();
  const cuda::LaunchShape shape{
      .blocks = 1, .threads = kThreads, .dynamic_bytes = static_cast<std::size_t>(bins) * sizeof(unsigned)};
  if (shape.dynamic_bytes > cuda::kUnaskedBytes)
    throw BackendError(text("tally_bins: ", bins, " bins on CUDA; at most ", cuda::kUnaskedBytes / sizeof(unsigned)));
  cuda::launch("tally_bins", &count_bins, shape, queue, values.data, values.count(), counts.data, bins);
}

void reciprocal(CudaQueue queue, View<const double> total, View<float> out) {
  cuda::launch("reciprocal", &invert, kOneThread, queue, total.data, out.data);
}

}  // namespace isobath::kernel
