#include <algorithm>

#include "ops/core/cuda/launch.hpp"
#include "ops/core/cuda/reduce.cuh"
#include "ops/layer_norm/column_sums.cuh"
#include "ops/layer_norm/layer_norm.hpp"
#include "ops/tensor/matrix.cuh"

// A block normalises a row. Each thread keeps the elements it loads in shared memory, where only it looks for them: the
// row is read once, and a row of any length finds room.

namespace isobath::kernel {
namespace {

using cuda::Matrix;
using cuda::Pack;

constexpr int kMaxThreads = 256;
// Shared memory that a block may have on compute capability 9.0, less what block_sum needs.
constexpr std::int64_t kRowBytes = 226 * 1024;

/// A block for each row, threads enough for its packs, and `copies` f32 rows of shared memory.
cuda::LaunchShape a_block_per_row(std::int64_t rows, std::int64_t columns, int length, int copies) {
  const std::int64_t bytes = columns * copies * static_cast<std::int64_t>(sizeof(float));
  if (bytes > kRowBytes)
    throw BackendError(text("layer_norm: rows of ", columns, " elements on CUDA; at most ",
                            kRowBytes / static_cast<std::int64_t>(copies * sizeof(float)), " fit into shared memory"));
  const unsigned warps = cuda::blocks_for(columns / length, cuda::kWarp);
  return {.blocks = static_cast<unsigned>(rows),
          .threads = std::min<unsigned>(warps * cuda::kWarp, kMaxThreads),
          .dynamic_bytes = static_cast<std::size_t>(bytes)};
}

template <int kLength>
__device__ __forceinline__ float sum_of(const Pack<kLength>& pack) {
  float sum = 0.0F;
#pragma unroll
  for (int e = 0; e < kLength; ++e) sum += pack.values[e];
  return sum;
}

/// body(column) for the first column of every pack that the calling thread owns.
template <int kLength, class Body>
__device__ __forceinline__ void for_own_packs(std::int64_t columns, Body&& body) {
  for (std::int64_t c = threadIdx.x * kLength; c < columns; c += blockDim.x * kLength) body(c);
}

template <int kLength, class T, class Out>
__global__ void __launch_bounds__(kMaxThreads)
    normalise(Matrix<const T> x, const float* gain, const float* shift, Matrix<Out> out, float* mean, float* rstd) {
  const std::int64_t row = blockIdx.x;
  const float count = static_cast<float>(x.columns);
  float* const kept = cuda::dynamic_shared<float>();
  float sum[1] = {0.0F};
  for_own_packs<kLength>(x.columns, [&](std::int64_t c) {
    const auto pack = cuda::load<kLength>(x.row(row) + c);
    cuda::store(kept + c, pack);
    sum[0] += sum_of(pack);
  });
  cuda::block_sum(sum);
  const float center = sum[0] / count;
  float square[1] = {0.0F};  // a second pass, so that nothing cancels
  for_own_packs<kLength>(x.columns, [&](std::int64_t c) {
    auto pack = cuda::load<kLength>(kept + c);
#pragma unroll
    for (int e = 0; e < kLength; ++e) pack.values[e] = (pack.values[e] - center) * (pack.values[e] - center);
    square[0] += sum_of(pack);
  });
  cuda::block_sum(square);
  const float scale = 1.0F / sqrtf(square[0] / count + kLayerNormEpsilon);
  for_own_packs<kLength>(x.columns, [&](std::int64_t c) {
    auto pack = cuda::load<kLength>(kept + c);
    const auto g = cuda::load<kLength>(gain + c), s = cuda::load<kLength>(shift + c);
#pragma unroll
    for (int e = 0; e < kLength; ++e) pack.values[e] = (pack.values[e] - center) * scale * g.values[e] + s.values[e];
    cuda::store(out.row(row) + c, pack);
  });
  if (threadIdx.x == 0) {
    mean[row] = center;
    rstd[row] = scale;
  }
}

template <int kLength, class T, class Out>
__global__ void __launch_bounds__(kMaxThreads)
    grad_of_x(LayerNormInputs<T, Out> in, Matrix<T> grad_x, Accumulate mode) {
  const std::int64_t row = blockIdx.x, columns = in.x.columns;
  const float center = in.mean[row], scale = in.rstd[row];
  float* const kept_d = cuda::dynamic_shared<float>();
  float* const kept_n = kept_d + columns;
  float sums[2] = {0.0F, 0.0F};  // of d and of d * n
  for_own_packs<kLength>(columns, [&](std::int64_t c) {
    auto d = cuda::load<kLength>(in.grad_out.row(row) + c), n = cuda::load<kLength>(in.x.row(row) + c);
    const auto gain = cuda::load<kLength>(in.gain + c);
#pragma unroll
    for (int e = 0; e < kLength; ++e) {
      d.values[e] *= gain.values[e];
      n.values[e] = (n.values[e] - center) * scale;
      sums[0] += d.values[e];
      sums[1] += d.values[e] * n.values[e];
    }
    cuda::store(kept_d + c, d);
    cuda::store(kept_n + c, n);
  });
  cuda::block_sum(sums);
  const float average_d = sums[0] / static_cast<float>(columns), average_dn = sums[1] / static_cast<float>(columns);
  for_own_packs<kLength>(columns, [&](std::int64_t c) {
    const auto d = cuda::load<kLength>(kept_d + c), n = cuda::load<kLength>(kept_n + c);
    T* const to = grad_x.row(row) + c;
    Pack<kLength> result{};
    if (mode == Accumulate::Add) result = cuda::load<kLength>(to);
#pragma unroll
    for (int e = 0; e < kLength; ++e) result.values[e] += scale * (d.values[e] - average_d - n.values[e] * average_dn);
    cuda::store(to, result);
  });
}

void total(CudaQueue queue, const Matrix<const float>& partial, Which which, GradView<float> grad) {
  if (!grad.wanted()) return;
  cuda::with_length<float>(
      [&](auto length) {
        cuda::launch("layer_norm_backward", &sum_partial<length()>, blocks_of_columns<length()>(1, partial.columns),
                     queue, partial, which, grad.to.data, grad.mode);
      },
      partial, Matrix<float>(grad.to));
}

}  // namespace

template <class T, class Out>
void layer_norm(CudaQueue queue, View<const T> x, View<const float> gain, View<const float> shift, View<Out> out,
                View<float> mean, View<float> rstd) {
  if (x.count() == 0) return;
  const Matrix<const T> from(x);
  const Matrix<Out> to(out);
  cuda::with_length<Out>(
      [&](auto length) {
        cuda::launch("layer_norm", &normalise<length(), T, Out>, a_block_per_row(from.rows, from.columns, length(), 1),
                     queue, from, gain.data, shift.data, to, mean.data, rstd.data);
      },
      from, to, Matrix(gain), Matrix(shift));
}

template <class T, class Out>
void layer_norm_backward(CudaQueue queue, View<const Out> grad_out, View<const T> x, View<const float> gain,
                         View<const float> mean, View<const float> rstd, View<float> partial, LayerNormGrads<T> grads) {
  const LayerNormInputs<T, Out> in{Matrix(grad_out), Matrix(x), gain.data, mean.data, rstd.data};
  const Matrix<float> sums(partial);
  if (grads.x.wanted() && x.count() != 0)
    cuda::with_length<Out>(
        [&](auto length) {
          cuda::launch("layer_norm_backward", &grad_of_x<length(), T, Out>,
                       a_block_per_row(in.x.rows, in.x.columns, length(), 2), queue, in, Matrix<T>(grads.x.to),
                       grads.x.mode);
        },
        in.grad_out, in.x, Matrix(gain), Matrix<T>(grads.x.to));
  if (!grads.gain.wanted() && !grads.shift.wanted()) return;
  if (x.count() != 0)
    cuda::with_length<Out>(
        [&](auto length) {
          cuda::launch("layer_norm_backward", &sum_blocks<length(), T, Out>,
                       blocks_of_columns<length()>(layer_norm_blocks(in.x.rows), in.x.columns), queue, in, sums);
        },
        in.grad_out, in.x, sums);
  total(queue, Matrix<const float>(partial), Which::Gain, grads.gain);
  total(queue, Matrix<const float>(partial), Which::Shift, grads.shift);
}

template void layer_norm<float, float>(CudaQueue, View<const float>, View<const float>, View<const float>, View<float>,
                                       View<float>, View<float>);
template void layer_norm<float, bfloat16>(CudaQueue, View<const float>, View<const float>, View<const float>,
                                          View<bfloat16>, View<float>, View<float>);
template void layer_norm<bfloat16, bfloat16>(CudaQueue, View<const bfloat16>, View<const float>, View<const float>,
                                             View<bfloat16>, View<float>, View<float>);
template void layer_norm_backward<float, float>(CudaQueue, View<const float>, View<const float>, View<const float>,
                                                View<const float>, View<const float>, View<float>,
                                                LayerNormGrads<float>);
template void layer_norm_backward<float, bfloat16>(CudaQueue, View<const bfloat16>, View<const float>,
                                                   View<const float>, View<const float>, View<const float>, View<float>,
                                                   LayerNormGrads<float>);
template void layer_norm_backward<bfloat16, bfloat16>(CudaQueue, View<const bfloat16>, View<const bfloat16>,
                                                      View<const float>, View<const float>, View<const float>,
                                                      View<float>, LayerNormGrads<bfloat16>);

}  // namespace isobath::kernel
