#include "ops/core/cuda/launch.hpp"
#include "ops/core/cuda/reduce.cuh"
#include "ops/tensor/tensor.hpp"
#include "tests/gpu/sums_cuda.hpp"

namespace isobath::test {
namespace {

// out: [4, threads]
__global__ void take_sums(const float* values, float* out) {
  const unsigned at = threadIdx.x, threads = blockDim.x;
  const float value = values[at];
  out[at] = cuda::warp_sum(value);
  float first[2] = {-value, value}, second[2] = {value, 2.0F * value};
  cuda::block_sum(first);  // neither call may see what the other leaves
  cuda::block_sum(second);
  out[threads + at] = second[0];
  out[2 * threads + at] = second[1];
  out[3 * threads + at] = first[1];
}

}  // namespace

ThreadSums sums_on_device(const std::vector<float>& values) {
  const Device device = Device::cuda(0);
  const auto threads = static_cast<std::int64_t>(values.size());
  const Tensor in = Tensor::from(Shape{threads}, values, device),
               out = Tensor::empty(Shape{4, threads}, DType::F32, device);
  cuda::launch("take_sums", &take_sums, {.blocks = 1, .threads = static_cast<unsigned>(threads)},
               current_cuda_queue(device), in.view<const float>().data, out.view<float>().data);
  const auto row = [&](std::int64_t index) { return out.slice(index * threads, Shape{threads}).to_vector<float>(); };
  return {row(0), row(1), row(2), row(3)};
}

}  // namespace isobath::test
