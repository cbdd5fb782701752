#include "ops/autograd/grad.cuh"
#include "ops/core/cuda/rows.cuh"
#include "ops/scale_rows/scale_rows.hpp"
#include "ops/tensor/matrix.cuh"

namespace isobath::kernel {
namespace {

using cuda::Grad;
using cuda::Matrix;

template <int kLength, class T>
__global__ void __launch_bounds__(cuda::kRowThreads) scale(Matrix<const T> x, const float* gates, Matrix<T> out) {
  const std::int64_t row = cuda::row_of_warp();
  if (row >= x.rows) return;
  const float gate = gates[row];
  cuda::for_packs_of_lane<kLength>(x.columns, [&](std::int64_t c) {
    cuda::store(out.row(row) + c, cuda::map([gate](float v) { return gate * v; }, cuda::load<kLength>(x.row(row) + c)));
  });
}

// Both gradients of a row in one pass over grad_out; x is read for that of the gate only.
template <int kLength, class T>
__global__ void __launch_bounds__(cuda::kRowThreads)
    gradients(Matrix<const T> grad_out, Matrix<const T> x, const float* gates, Grad<T> grad_x, Grad<float> grad_gates) {
  const std::int64_t row = cuda::row_of_warp();
  if (row >= x.rows) return;
  const float gate = gates[row];
  float sum = 0.0F;
  cuda::for_packs_of_lane<kLength>(x.columns, [&](std::int64_t c) {
    const auto grad = cuda::load<kLength>(grad_out.row(row) + c);
    if (grad_gates.wanted())
      sum += cuda::sum_of(cuda::map([](float g, float v) { return g * v; }, grad, cuda::load<kLength>(x.row(row) + c)));
    if (grad_x.wanted()) grad_x.put(row * x.columns + c, cuda::map([gate](float g) { return gate * g; }, grad));
  });
  if (!grad_gates.wanted()) return;
  const cuda::Pack<1> total{{cuda::warp_sum(sum)}};
  if (threadIdx.x == 0) grad_gates.put(row, total);
}

}  // namespace

template <class T>
void scale_rows(CudaQueue queue, View<const T> x, View<const float> gates, View<T> out) {
  if (x.count() == 0) return;
  const Matrix<const T> from(x);
  const Matrix<T> to(out);
  cuda::with_length<T>(
      [&](auto length) {
        cuda::launch("scale_rows", &scale<length(), T>, cuda::a_warp_per_row(from.rows), queue, from, gates.data, to);
      },
      from, to);
}

template <class T>
void scale_rows_backward(CudaQueue queue, View<const T> grad_out, View<const T> x, View<const float> gates,
                         GradView<T> grad_x, GradView<float> grad_gates) {
  if (x.dim(0) == 0) return;
  // a view that nobody wants has null data, which stands in nobody's way
  const Matrix<const T> grad(grad_out), values(x);
  const Matrix<T> to({grad_x.to.data, x.shape});
  cuda::with_length<T>(
      [&](auto length) {
        cuda::launch("scale_rows_backward", &gradients<length(), T>, cuda::a_warp_per_row(x.dim(0)), queue, grad,
                     values, gates.data, Grad<T>(grad_x), Grad<float>(grad_gates));
      },
      grad, values, to);
}

template void scale_rows<float>(CudaQueue, View<const float>, View<const float>, View<float>);
template void scale_rows<bfloat16>(CudaQueue, View<const bfloat16>, View<const float>, View<bfloat16>);
template void scale_rows_backward<float>(CudaQueue, View<const float>, View<const float>, View<const float>,
                                         GradView<float>, GradView<float>);
template void scale_rows_backward<bfloat16>(CudaQueue, View<const bfloat16>, View<const bfloat16>, View<const float>,
                                            GradView<bfloat16>, GradView<float>);

}  // namespace isobath::kernel
