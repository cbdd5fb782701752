#include "ops/core/cpu/column_sum.hpp"
#include "ops/core/cpu/matmul.hpp"
#include "ops/core/threads.hpp"
#include "ops/linear/activate.hpp"
#include "ops/linear/one_output.hpp"

namespace isobath::kernel {
namespace {

template <class T>
Matrix<T> as_matrix(View<T> view) {
  return Matrix<T>::dense(view.data, view.dim(0), view.dim(1));
}

constexpr std::int64_t round_up(std::int64_t value, std::int64_t unit) { return (value + unit - 1) / unit * unit; }

constexpr std::int64_t kPanel = 768;  // rows; fewer cost more packing of the weight than the cache gives back

// body(begin, end) over panels of at most about `most` rows, each run by one thread: a product and the pass over it
// follow each other while the panel is in the shared cache, and no thread waits for another between the two. Too few
// rows for that: one panel with all threads inside. Panels are whole blocks of ColumnSum.
template <class Body>
void for_row_panels(std::int64_t rows, std::int64_t most, Body&& body) {
  constexpr std::int64_t kFewest = 128;  // rows that are worth a thread
  const std::int64_t threads = kernel_threads();
  if (rows < threads * kFewest) return body(std::int64_t{0}, rows);
  const std::int64_t rounds = (rows + threads * most - 1) / (threads * most);
  const std::int64_t panel = round_up((rows + threads * rounds - 1) / (threads * rounds), ColumnSum::kBlock);
  parallel_for((rows + panel - 1) / panel, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t index = first; index < last; ++index) body(index * panel, std::min((index + 1) * panel, rows));
  });
}

// One panel of the forward pass: the product in f32, then bias and activation while it is in cache.
template <class Function, class T, class Out>
void forward_panel(View<const T> x, View<const T> weight, View<const float> bias, View<Out> out, View<T> slope,
                   std::int64_t begin, std::int64_t end) {
  const std::int64_t columns = out.dim(1);
  Block scratch;
  float* sums = nullptr;
  if constexpr (std::is_same_v<Out, float>) {
    sums = out.row(begin);
  } else {
    scratch = Block(Device::cpu(), static_cast<std::size_t>((end - begin) * columns) * sizeof(float));
    sums = static_cast<float*>(scratch.data());
  }
  matmul<T, float>(as_matrix(x).row_range(begin, end), as_matrix(weight).transposed(),
                   Matrix<float>::dense(sums, end - begin, columns), Accumulate::Overwrite);
  parallel_for(end - begin, row_grain(columns), [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t row = from; row < to; ++row) {
      T* slope_row = slope.data ? slope.row(begin + row) : nullptr;
      if constexpr (std::is_same_v<T, float>)
        activate_row<Function>(sums + row * columns, bias.data, out.row(begin + row), slope_row, columns);
      else
        activate_narrow_row<Function>(sums + row * columns, bias.data, out.row(begin + row), slope_row, columns);
    }
  });
}

template <class T>
void add_row(const T* g, float* sums, std::int64_t columns) {
#pragma omp simd
  for (std::int64_t c = 0; c < columns; ++c) sums[c] += float(g[c]);
}

// g in its place, and the sums of its columns, for rows [begin, end).
template <class T, class Out>
void activation_backward(View<const Out> grad_out, LinearOperand<T> operand, const ColumnSum* sums, std::int64_t begin,
                         std::int64_t end) {
  const std::int64_t columns = grad_out.dim(1), block = ColumnSum::kBlock;
  parallel_for((end - begin + block - 1) / block, 1, [&](std::int64_t first, std::int64_t last) {
    float* sum = nullptr;
    for (std::int64_t row = begin + first * block; row < std::min(begin + last * block, end); ++row) {
      const T* g = operand_row(grad_out, operand, row);
      if (sums == nullptr) continue;
      if (row % block == 0) sum = sums->at(row);
      add_row(g, sum, columns);
    }
  });
}

}  // namespace

template <class T, class Out>
void linear(CpuQueue, View<const T> x, View<const T> weight, View<const float> bias, Activation activation,
            View<Out> out, View<T> slope) {
  if (out.dim(1) == 1) return linear_one_output(x, weight, bias, activation, out, slope);
  if (bias.data == nullptr && activation == Activation::None)
    return for_row_panels(out.dim(0), out.dim(0), [&](std::int64_t begin, std::int64_t end) {
      matmul<T, Out>(as_matrix(x).row_range(begin, end), as_matrix(weight).transposed(),
                     as_matrix(out).row_range(begin, end), Accumulate::Overwrite);
    });
  on_activation(activation, [&](auto function) {
    for_row_panels(out.dim(0), kPanel, [&](std::int64_t begin, std::int64_t end) {
      forward_panel<decltype(function)>(x, weight, bias, out, slope, begin, end);
    });
  });
}

template <class T, class Out>
void linear_backward(CpuQueue, View<const Out> grad_out, LinearOperand<T> operand, View<const T> x,
                     View<const T> weight, LinearGrads<T> grads) {
  if (grad_out.dim(1) == 1) return linear_one_output_backward(grad_out, operand, x, weight, grads);
  View<const T> g = operand.g;
  if constexpr (std::is_same_v<T, Out>)
    if (g.data == nullptr) g = grad_out;
  const ColumnSum sums(grads.bias.wanted() ? g.dim(0) : 0, g.dim(1));
  const bool has_pass = operand.g.data != nullptr || grads.bias.wanted();
  for_row_panels(g.dim(0), has_pass ? kPanel : g.dim(0), [&](std::int64_t begin, std::int64_t end) {
    if (has_pass) activation_backward(grad_out, operand, grads.bias.wanted() ? &sums : nullptr, begin, end);
    if (grads.x.wanted())
      matmul<T, T>(as_matrix(g).row_range(begin, end), as_matrix(weight), as_matrix(grads.x.to).row_range(begin, end),
                   grads.x.mode);
  });
  if (grads.bias.wanted()) sums.finish(grads.bias.to.data, grads.bias.mode);
  if (grads.weight.wanted()) matmul_tall<T>(as_matrix(g), as_matrix(x), as_matrix(grads.weight.to), grads.weight.mode);
}

template void linear<float, float>(CpuQueue, View<const float>, View<const float>, View<const float>, Activation,
                                   View<float>, View<float>);
template void linear<bfloat16, bfloat16>(CpuQueue, View<const bfloat16>, View<const bfloat16>, View<const float>,
                                         Activation, View<bfloat16>, View<bfloat16>);
template void linear<bfloat16, float>(CpuQueue, View<const bfloat16>, View<const bfloat16>, View<const float>,
                                      Activation, View<float>, View<bfloat16>);
template void linear_backward<float, float>(CpuQueue, View<const float>, LinearOperand<float>, View<const float>,
                                            View<const float>, LinearGrads<float>);
template void linear_backward<bfloat16, bfloat16>(CpuQueue, View<const bfloat16>, LinearOperand<bfloat16>,
                                                  View<const bfloat16>, View<const bfloat16>, LinearGrads<bfloat16>);
template void linear_backward<bfloat16, float>(CpuQueue, View<const float>, LinearOperand<bfloat16>,
                                               View<const bfloat16>, View<const bfloat16>, LinearGrads<bfloat16>);

}  // namespace isobath::kernel
