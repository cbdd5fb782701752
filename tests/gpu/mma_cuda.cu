#include "ops/core/cuda/launch.hpp"
#include "ops/core/cuda/mma.cuh"
#include "ops/tensor/tensor.hpp"
#include "tests/gpu/mma_cuda.hpp"

namespace isobath::test {
namespace {

__device__ cuda::BFloat16Pair pair_at(const bfloat16* from) {
  return from[0].bits | static_cast<cuda::BFloat16Pair>(from[1].bits) << 16;
}

// Two products in one call: the second one, with nothing on the right, must change nothing.
__global__ void multiply(const bfloat16* left, const bfloat16* right, const float* sums, float* out) {
  const unsigned lane = threadIdx.x;
  cuda::LeftFragment a;
  cuda::RightFragment b[2] = {};
  cuda::SumFragment c[2];
  for (int i = 0; i < 4; ++i) a.pairs[i] = pair_at(left + 8 * lane + 2 * i);
  for (int i = 0; i < 2; ++i) b[0].pairs[i] = pair_at(right + 4 * lane + 2 * i);
  for (int i = 0; i < 4; ++i) c[0].values[i] = c[1].values[i] = sums[4 * lane + i];
  cuda::multiply_add(c, a, b);
  for (int i = 0; i < 4; ++i) {
    out[4 * lane + i] = c[0].values[i];
    out[128 + 4 * lane + i] = c[1].values[i];
  }
}

__global__ void round_pairs(const float* values, bfloat16* out) {
  const cuda::BFloat16Pair pair = cuda::rounded_pair(values[2 * threadIdx.x], values[2 * threadIdx.x + 1]);
  out[2 * threadIdx.x].bits = static_cast<std::uint16_t>(pair);
  out[2 * threadIdx.x + 1].bits = static_cast<std::uint16_t>(pair >> 16);
}

template <class T>
Tensor moved(const std::vector<T>& values) {
  return Tensor::from(Shape{static_cast<std::int64_t>(values.size())}, values, Device::cuda(0));
}

}  // namespace

std::vector<float> product_on_device(const WarpMatrices& matrices) {
  const Tensor left = moved(matrices.left), right = moved(matrices.right), sums = moved(matrices.sums),
               out = Tensor::empty(Shape{2, 128}, DType::F32, Device::cuda(0));
  cuda::launch("multiply", &multiply, {.blocks = 1, .threads = 32}, current_cuda_queue(Device::cuda(0)),
               left.view<const bfloat16>().data, right.view<const bfloat16>().data, sums.view<const float>().data,
               out.view<float>().data);
  std::vector<float> got = out.to_vector<float>();
  require(std::vector<float>(got.begin() + 128, got.end()) == matrices.sums, "a product with zeros changed the sums");
  got.resize(128);
  return got;
}

std::vector<bfloat16> rounded_on_device(const std::vector<float>& values) {
  const Tensor in = moved(values), out = Tensor::empty(in.shape(), DType::BF16, Device::cuda(0));
  cuda::launch("round_pairs", &round_pairs, {.blocks = 1, .threads = static_cast<unsigned>(values.size() / 2)},
               current_cuda_queue(Device::cuda(0)), in.view<const float>().data, out.view<bfloat16>().data);
  return out.to_vector<bfloat16>();
}

}  // namespace isobath::test
