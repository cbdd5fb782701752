#include "ops/core/cuda/row_team.cuh"
#include "ops/layer_norm/column_sums.cuh"
#include "ops/layer_norm/layer_norm.hpp"
#include "ops/tensor/matrix.cuh"

namespace isobath::kernel {
namespace {

using cuda::Matrix;
using cuda::Pack;

template <int kLength, class T, class Out>
__global__ void __launch_bounds__(cuda::kMaxTeam)
    normalise(Matrix<const T> x, const float* gain, const float* shift, Matrix<Out> out, float* mean, float* rstd) {
  const std::int64_t row = cuda::row_of_team();
  if (row >= x.rows) return;
  const float count = static_cast<float>(x.columns);
  float* const kept = cuda::kept_by_team(x.columns, 1);
  float sum[1] = {0.0F};
  cuda::for_own_packs<kLength>(x.columns, [&](std::int64_t c) {
    const auto pack = cuda::load<kLength>(x.row(row) + c);
    cuda::store(kept + c, pack);
    sum[0] += cuda::sum_of(pack);
  });
  cuda::team_sum(sum);
  const float center = sum[0] / count;
  float square[1] = {0.0F};  // a second pass, so that nothing cancels
  cuda::for_own_packs<kLength>(x.columns, [&](std::int64_t c) {
    auto pack = cuda::load<kLength>(kept + c);
#pragma unroll
    for (int e = 0; e < kLength; ++e) pack.values[e] = (pack.values[e] - center) * (pack.values[e] - center);
    square[0] += cuda::sum_of(pack);
  });
  cuda::team_sum(square);
  const float scale = 1.0F / sqrtf(square[0] / count + kLayerNormEpsilon);
  cuda::for_own_packs<kLength>(x.columns, [&](std::int64_t c) {
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
__global__ void __launch_bounds__(cuda::kMaxTeam)
    grad_of_x(LayerNormInputs<T, Out> in, Matrix<T> grad_x, Accumulate mode) {
  const std::int64_t row = cuda::row_of_team(), columns = in.x.columns;
  if (row >= in.x.rows) return;
  const float center = in.mean[row], scale = in.rstd[row];
  float* const kept_d = cuda::kept_by_team(columns, 2);
  float* const kept_n = kept_d + columns;
  float sums[2] = {0.0F, 0.0F};  // of d and of d * n
  cuda::for_own_packs<kLength>(columns, [&](std::int64_t c) {
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
  cuda::team_sum(sums);
  const float average_d = sums[0] / static_cast<float>(columns), average_dn = sums[1] / static_cast<float>(columns);
  cuda::for_own_packs<kLength>(columns, [&](std::int64_t c) {
    const auto d = cuda::load<kLength>(kept_d + c), n = cuda::load<kLength>(kept_n + c);
    T* const to = grad_x.row(row) + c;
    Pack<kLength> result{};
    if (mode == Accumulate::Add) result = cuda::load<kLength>(to);
#pragma unroll
    for (int e = 0; e < kLength; ++e) result.values[e] += scale * (d.values[e] - average_d - n.values[e] * average_dn);
    cuda::store(to, result);
  });
}

/// Every second row of `partial`, from `first`.
void total(CudaQueue queue, const Matrix<float>& partial, std::int64_t first, GradView<float> grad) {
  if (!grad.wanted()) return;
  cuda::launch_sum_partial("layer_norm_backward", queue, {partial.data, partial.rows, partial.columns, first, 2},
                           grad.to.data, grad.mode);
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
        cuda::launch("layer_norm", &normalise<length(), T, Out>,
                     cuda::a_team_per_row("layer_norm", from.rows, from.columns, length(), 1), queue, from, gain.data,
                     shift.data, to, mean.data, rstd.data);
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
                       cuda::a_team_per_row("layer_norm", in.x.rows, in.x.columns, length(), 2), queue, in,
                       Matrix<T>(grads.x.to), grads.x.mode);
        },
        in.grad_out, in.x, Matrix(gain), Matrix<T>(grads.x.to));
  if (!grads.gain.wanted() && !grads.shift.wanted()) return;
  if (x.count() != 0)
    cuda::with_length<Out>(
        [&](auto length) {
          cuda::launch_sum_blocks<2>("layer_norm_backward", queue, length,
                                     {in.x.rows, in.x.columns, kLayerNormBlockRows, sums.data},
                                     GainAndShift<T, Out>{in});
        },
        in.grad_out, in.x, sums);
  total(queue, sums, 0, grads.gain);
  total(queue, sums, 1, grads.shift);
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
