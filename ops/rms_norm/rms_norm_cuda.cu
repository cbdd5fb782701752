#include "ops/core/cuda/column_sums.cuh"
#include "ops/core/cuda/row_team.cuh"
#include "ops/rms_norm/rms_norm.hpp"
#include "ops/tensor/matrix.cuh"

namespace isobath::kernel {
namespace {

using cuda::Matrix;
using cuda::Pack;

template <int kLength, class T, class Out>
__global__ void __launch_bounds__(cuda::kMaxTeam)
    normalise(Matrix<const T> x, const float* gain, Matrix<Out> out, float* scales) {
  const std::int64_t row = cuda::row_of_team();
  if (row >= x.rows) return;
  float* const kept = cuda::kept_by_team(x.columns, 1);
  float squares[1] = {0.0F};
  cuda::for_own_packs<kLength>(x.columns, [&](std::int64_t c) {
    const auto pack = cuda::load<kLength>(x.row(row) + c);
    cuda::store(kept + c, pack);
    squares[0] += cuda::sum_of(cuda::map([](float v) { return v * v; }, pack));
  });
  cuda::team_sum(squares);
  const float scale = 1.0F / sqrtf(squares[0] / static_cast<float>(x.columns) + kRmsNormEpsilon);
  cuda::for_own_packs<kLength>(x.columns, [&](std::int64_t c) {
    const auto scaled = [scale](float v, float g) { return v * scale * g; };
    cuda::store(out.row(row) + c, cuda::map(scaled, cuda::load<kLength>(kept + c), cuda::load<kLength>(gain + c)));
  });
  if (threadIdx.x == 0) scales[row] = scale;
}

/// What backward reads.
template <class T, class Out>
struct Inputs {
  Matrix<const Out> grad_out;
  Matrix<const T> x;
  const float *gain, *scale;
};

template <int kLength, class T, class Out>
__global__ void __launch_bounds__(cuda::kMaxTeam) grad_of_x(Inputs<T, Out> in, Matrix<T> grad_x, Accumulate mode) {
  const std::int64_t row = cuda::row_of_team(), columns = in.x.columns;
  if (row >= in.x.rows) return;
  const float scale = in.scale[row];
  float* const kept_d = cuda::kept_by_team(columns, 2);
  float* const kept_n = kept_d + columns;
  float sum[1] = {0.0F};  // of d * n
  cuda::for_own_packs<kLength>(columns, [&](std::int64_t c) {
    const auto product = [](float a, float b) { return a * b; };
    const auto d = cuda::map(product, cuda::load<kLength>(in.grad_out.row(row) + c), cuda::load<kLength>(in.gain + c));
    const auto n = cuda::map([scale](float v) { return v * scale; }, cuda::load<kLength>(in.x.row(row) + c));
    sum[0] += cuda::sum_of(cuda::map(product, d, n));
    cuda::store(kept_d + c, d);
    cuda::store(kept_n + c, n);
  });
  cuda::team_sum(sum);
  const float average = sum[0] / static_cast<float>(columns);
  cuda::for_own_packs<kLength>(columns, [&](std::int64_t c) {
    const auto gradient = [scale, average](float d, float n) { return scale * (d - n * average); };
    cuda::put(grad_x.row(row) + c, mode,
              cuda::map(gradient, cuda::load<kLength>(kept_d + c), cuda::load<kLength>(kept_n + c)));
  });
}

/// The terms of cuda::sum_blocks, for gain.
template <class T, class Out>
struct Gain {
  Inputs<T, Out> in;

  template <int kLength>
  __device__ __forceinline__ void add(std::int64_t row, std::int64_t column, Pack<kLength> (&to)[1]) const {
    const auto term = [scale = in.scale[row]](float g, float v) { return g * (v * scale); };
    cuda::add_to(to[0], cuda::map(term, cuda::load<kLength>(in.grad_out.row(row) + column),
                                  cuda::load<kLength>(in.x.row(row) + column)));
  }
};

}  // namespace

template <class T, class Out>
void rms_norm(CudaQueue queue, View<const T> x, View<const float> gain, View<Out> out, View<float> scale) {
  if (x.count() == 0) return;
  const Matrix<const T> from(x);
  const Matrix<Out> to(out);
  cuda::with_length<Out>(
      [&](auto length) {
        cuda::launch("rms_norm", &normalise<length(), T, Out>,
                     cuda::a_team_per_row("rms_norm", from.rows, from.columns, length(), 1), queue, from, gain.data, to,
                     scale.data);
      },
      from, to, Matrix(gain));
}

template <class T, class Out>
void rms_norm_backward(CudaQueue queue, View<const Out> grad_out, View<const T> x, View<const float> gain,
                       View<const float> scale, View<float> partial, RmsNormGrads<T> grads) {
  const Inputs<T, Out> in{Matrix(grad_out), Matrix(x), gain.data, scale.data};
  const Matrix<float> sums(partial);
  if (grads.x.wanted() && x.count() != 0)
    cuda::with_length<Out>(
        [&](auto length) {
          cuda::launch("rms_norm_backward", &grad_of_x<length(), T, Out>,
                       cuda::a_team_per_row("rms_norm", in.x.rows, in.x.columns, length(), 2), queue, in,
                       Matrix<T>(grads.x.to), grads.x.mode);
        },
        in.grad_out, in.x, Matrix(gain), Matrix<T>(grads.x.to));
  if (!grads.gain.wanted()) return;
  if (x.count() != 0)
    cuda::with_length<Out>(
        [&](auto length) {
          cuda::launch_sum_blocks<1>("rms_norm_backward", queue, length,
                                     {in.x.rows, in.x.columns, kRmsNormBlockRows, sums.data}, Gain<T, Out>{in});
        },
        in.grad_out, in.x, sums);
  cuda::launch_sum_partial("rms_norm_backward", queue, {sums.data, sums.rows, sums.columns, 0, 1}, grads.gain.to.data,
                           grads.gain.mode);
}

template void rms_norm<float, float>(CudaQueue, View<const float>, View<const float>, View<float>, View<float>);
template void rms_norm<float, bfloat16>(CudaQueue, View<const float>, View<const float>, View<bfloat16>, View<float>);
template void rms_norm<bfloat16, bfloat16>(CudaQueue, View<const bfloat16>, View<const float>, View<bfloat16>,
                                           View<float>);
template void rms_norm_backward<float, float>(CudaQueue, View<const float>, View<const float>, View<const float>,
                                              View<const float>, View<float>, RmsNormGrads<float>);
template void rms_norm_backward<float, bfloat16>(CudaQueue, View<const bfloat16>, View<const float>, View<const float>,
                                                 View<const float>, View<float>, RmsNormGrads<float>);
template void rms_norm_backward<bfloat16, bfloat16>(CudaQueue, View<const bfloat16>, View<const bfloat16>,
                                                    View<const float>, View<const float>, View<float>,
                                                    RmsNormGrads<bfloat16>);

}  // namespace isobath::kernel
