#include "ops/core/allocator.hpp"
#include "ops/core/cuda/launch.hpp"
#include "ops/core/cuda/matmul.hpp"
#include "ops/linear/activate.cuh"
#include "ops/linear/linear.hpp"
#include "ops/linear/one_output.cuh"
#include "ops/tensor/matrix.cuh"

namespace isobath::kernel {
namespace {

using cuda::Matrix;
using cuda::Transpose;

constexpr std::int64_t kSumBlock = 256;  // rows of g that one row of partial sums covers

template <class T>
constexpr DType kTypeOf = std::is_same_v<T, float> ? DType::F32 : DType::BF16;

template <class T>
cuda::MatmulFactor factor(View<const T> view, Transpose transpose = Transpose::No) {
  return {view.data, kTypeOf<T>, view.dim(0), view.dim(1), transpose};
}

template <class T>
cuda::MatmulResult result(View<T> view, Accumulate mode) {
  return {view.data, kTypeOf<T>, view.dim(0), view.dim(1), mode, nullptr};
}

/// f32 storage of a shape, in the order of the current queue.
struct Scratch {
  Block block;
  View<float> view;

  explicit Scratch(const Shape& shape)
      : block(cuda::current_device(), static_cast<std::size_t>(shape.count()) * sizeof(float)),
        view{static_cast<float*>(block.data()), shape} {}
};

template <class T, class Out>
void launch_activate(CudaQueue queue, View<float> sums, View<const float> bias, Activation activation, View<Out> out,
                     View<T> slope) {
  const Matrix<const float> u{View<const float>(sums)};
  const Matrix<Out> to(out);
  const Matrix<T> kept(slope.data != nullptr ? slope : View<T>{nullptr, out.shape});
  const Matrix<const float> shift(View<const float>{bias.data, Shape{1, out.dim(1)}});
  cuda::with_length<T>(
      [&](auto length) {
        cuda::launch("linear", &activate<length(), T, Out>, packs_of_rows<length()>(to.rows, to.columns), queue, u,
                     bias.data, activation, to, kept);
      },
      u, to, kept, shift);
}

template <class T, class Out>
void launch_dots(CudaQueue queue, View<const T> x, View<const T> weight, View<const float> bias, Activation activation,
                 View<Out> out, View<T> slope) {
  const Matrix<const T> rows(x), by(weight);
  cuda::with_length<T>(
      [&](auto length) {
        cuda::launch("linear", &dot_rows<length(), T, Out>, a_warp_per_dot(out.dim(0)), queue, rows, by.data, bias.data,
                     activation, out.data, slope.data);
      },
      rows, by);
}

// The partial sums of blocks of rows, then their sum: many blocks of threads read g, and the order stays fixed.
template <class T>
void sum_columns(CudaQueue queue, View<const T> g, GradView<float> to) {
  const std::int64_t columns = g.dim(1);
  if (columns == 0) return;
  const auto queue_sum = [&](auto from, std::int64_t block, View<float> sums, Accumulate mode) {
    const Matrix target(sums);
    cuda::launch("linear_backward", &sum_rows<std::remove_const_t<std::remove_pointer_t<decltype(from.data)>>>,
                 {.blocks = dim3(static_cast<unsigned>(target.rows), cuda::blocks_for(columns, kSumColumns)),
                  .threads = dim3(kSumColumns, kSumRows)},
                 queue, from, block, target, mode);
  };
  const View<float> whole{to.to.data, Shape{1, columns}};
  const Matrix<const T> rows(g);
  if (g.dim(0) <= kSumBlock) return queue_sum(rows, kSumBlock, whole, to.mode);
  const Scratch partial(Shape{cuda::blocks_for(g.dim(0), kSumBlock), columns});
  queue_sum(rows, kSumBlock, partial.view, Accumulate::Overwrite);
  queue_sum(Matrix<const float>(partial.view), partial.view.dim(0), whole, to.mode);
}

}  // namespace

template <class T, class Out>
void linear(CudaQueue queue, View<const T> x, View<const T> weight, View<const float> bias, Activation activation,
            View<Out> out, View<T> slope) {
  if (out.count() == 0) return;
  if (out.dim(1) == 1 && x.dim(1) > 0) return launch_dots(queue, x, weight, bias, activation, out, slope);
  const bool wide = std::is_same_v<Out, float>, plain = activation == Activation::None;
  const auto product_into = [&](const cuda::MatmulResult& to) {
    cuda::matmul(queue, factor(x), factor(weight, Transpose::Yes), to);
  };
  if (plain && (bias.data == nullptr || (wide && x.dim(1) > 0))) {
    cuda::MatmulResult to = result(out, Accumulate::Overwrite);
    to.bias = bias.data;
    return product_into(to);
  }
  // Gelu here is the exact form, the library's is not, and a bias of f32 goes with results of f32 only: so the sums
  // stay in f32 until the pass that adds the bias.
  if constexpr (std::is_same_v<Out, float>) {
    product_into(result(out, Accumulate::Overwrite));
    launch_activate(queue, out, bias, activation, out, slope);
  } else {
    const Scratch sums(out.shape);
    product_into(result(sums.view, Accumulate::Overwrite));
    launch_activate(queue, sums.view, bias, activation, out, slope);
  }
}

template <class T, class Out>
void linear_backward(CudaQueue queue, View<const Out> grad_out, LinearOperand<T> operand, View<const T> x,
                     View<const T> weight, LinearGrads<T> grads) {
  View<const T> g = operand.g;
  if constexpr (std::is_same_v<T, Out>)
    if (g.data == nullptr) g = grad_out;
  if (operand.g.data != nullptr && operand.g.count() > 0) {
    const Matrix<const Out> from(grad_out);
    const Matrix<T> to(operand.g);
    cuda::with_length<T>(
        [&](auto length) {
          cuda::launch("linear_backward", &apply_slope<length(), T, Out>, packs_of_rows<length()>(to.rows, to.columns),
                       queue, from, operand.holds_slope ? Holds::Slope : Holds::Nothing, to);
        },
        from, to);
  }
  if (grads.x.wanted()) cuda::matmul(queue, factor(g), factor(weight), result(grads.x.to, grads.x.mode));
  if (grads.weight.wanted())
    cuda::matmul(queue, factor(g, Transpose::Yes), factor(x), result(grads.weight.to, grads.weight.mode));
  if (grads.bias.wanted()) sum_columns(queue, g, grads.bias);
}

template void linear<float, float>(CudaQueue, View<const float>, View<const float>, View<const float>, Activation,
                                   View<float>, View<float>);
template void linear<bfloat16, bfloat16>(CudaQueue, View<const bfloat16>, View<const bfloat16>, View<const float>,
                                         Activation, View<bfloat16>, View<bfloat16>);
template void linear<bfloat16, float>(CudaQueue, View<const bfloat16>, View<const bfloat16>, View<const float>,
                                      Activation, View<float>, View<bfloat16>);
template void linear_backward<float, float>(CudaQueue, View<const float>, LinearOperand<float>, View<const float>,
                                            View<const float>, LinearGrads<float>);
template void linear_backward<bfloat16, bfloat16>(CudaQueue, View<const bfloat16>, LinearOperand<bfloat16>,
                                                  View<const bfloat16>, View<const bfloat16>, LinearGrads<bfloat16>);
template void linear_backward<bfloat16, float>(CudaQueue, View<const float>, LinearOperand<bfloat16>,
                                               View<const bfloat16>, View<const bfloat16>, LinearGrads<bfloat16>);

}  // namespace isobath::kernel
