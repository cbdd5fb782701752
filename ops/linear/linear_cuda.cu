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

constexpr std::int64_t kSumBlock = 64;  // rows of g that one row of partial sums covers

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

// The sums of blocks of rows, then their sum: many blocks of threads read the rows, and the order stays fixed. `terms`
// allow packs where `operands` do.
template <class T, class Terms, class... Operands>
void sum_columns(CudaQueue queue, const Terms& terms, std::int64_t rows, GradView<float> to,
                 const Operands&... operands) {
  const std::int64_t columns = to.to.count();
  if (columns == 0) return;
  const Scratch partial(Shape{cuda::blocks_for(rows, kSumBlock), columns});
  const Matrix<float> sums(partial.view);
  cuda::with_length<T>(
      [&](auto length) {
        cuda::launch_sum_blocks<1>("linear_backward", queue, length, {rows, columns, kSumBlock, sums.data}, terms);
      },
      sums, operands...);
  cuda::launch_sum_partial("linear_backward", queue, {sums.data, sums.rows, columns, 0, 1}, to.to.data, to.mode);
}

// g from grad_out, and the gradient of the bias where it is wanted.
template <class T, class Out>
void make_g(CudaQueue queue, View<const Out> grad_out, const LinearOperand<T>& operand, GradView<float> bias) {
  const Matrix<const Out> from(grad_out);
  const Matrix<T> to(operand.g);
  const Sloped<T, Out> sloped{from, operand.holds_slope ? Holds::Slope : Holds::Nothing, to};
  if (bias.wanted()) return sum_columns<T>(queue, sloped, to.rows, bias, from, to);
  cuda::with_length<T>(
      [&](auto length) {
        cuda::launch("linear_backward", &apply_slope<length(), T, Out>, packs_of_rows<length()>(to.rows, to.columns),
                     queue, sloped);
      },
      from, to);
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
  const bool makes_g = operand.g.data != nullptr && operand.g.count() > 0;
  if (makes_g) make_g(queue, grad_out, operand, grads.bias);
  if (grads.x.wanted()) cuda::matmul(queue, factor(g), factor(weight), result(grads.x.to, grads.x.mode));
  if (grads.weight.wanted())
    cuda::matmul(queue, factor(g, Transpose::Yes), factor(x), result(grads.weight.to, grads.weight.mode));
  if (grads.bias.wanted() && !makes_g) {
    const Matrix<const T> rows(g);
    sum_columns<T>(queue, Plain<T>{rows}, rows.rows, grads.bias, rows);
  }
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
