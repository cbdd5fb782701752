#include "ops/core/cpu/bf16_products.hpp"

#include <algorithm>

#include <oneapi/dnnl/dnnl.hpp>

#include "ops/core/allocator.hpp"
#include "ops/core/cpu/matmul.hpp"
#include "ops/core/threads.hpp"

namespace isobath::kernel {
namespace {

// Elements of a widened block of either operand: every block is widened anew for each block that it meets of the other
// operand, so both are large; 768 rows of 1,536 are one.
constexpr std::int64_t kBlock = 5 << 18;
constexpr std::int64_t kMostDepth = 4096;

class Floats {
 public:
  explicit Floats(std::int64_t count) : block_(Device::cpu(), static_cast<std::size_t>(count) * sizeof(float)) {}
  float* data() const { return static_cast<float*>(block_.data()); }

 private:
  Block block_;
};

void widen_run(const bfloat16* from, float* to, std::int64_t count) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) to[i] = float(from[i]);
}

/// The same elements as f32 at `to`, without gaps, in the order in which they lie.
Matrix<const float> widened(const Matrix<const bfloat16>& matrix, float* to) {
  if (matrix.column_step != 1) return widened(matrix.transposed(), to).transposed();
  parallel_for(matrix.rows, row_grain(matrix.columns), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row)
      widen_run(matrix.data + row * matrix.row_step, to + row * matrix.columns, matrix.columns);
  });
  return Matrix<const float>::dense(to, matrix.rows, matrix.columns);
}

/// c = a b or c += a b for rows of a that make one block.
void multiply_rows(Matrix<const bfloat16> a, Matrix<const bfloat16> b, Matrix<float> c, Accumulate mode) {
  const std::int64_t depth = std::min(a.columns, kMostDepth), columns = std::max<std::int64_t>(kBlock / depth, 64);
  const Floats left(a.rows * depth), right(depth * std::min(columns, b.columns));
  for (std::int64_t k = 0; k < a.columns; k += depth) {
    const std::int64_t k_end = std::min(k + depth, a.columns);
    const Matrix<const float> wide = widened(a.column_range(k, k_end), left.data());
    for (std::int64_t column = 0; column < b.columns; column += columns) {
      const std::int64_t end = std::min(column + columns, b.columns);
      matmul<float, float>(wide, widened(b.row_range(k, k_end).column_range(column, end), right.data()),
                           c.column_range(column, end), k == 0 ? mode : Accumulate::Add);
    }
  }
}

void round_rows(const float* sums, Matrix<bfloat16> c, Accumulate mode) {
  parallel_for(c.rows, row_grain(c.columns), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const float* from = sums + row * c.columns;
      bfloat16* to = c.data + row * c.row_step;
      if (mode == Accumulate::Overwrite) {
#pragma omp simd
        for (std::int64_t i = 0; i < c.columns; ++i) round_to(to[i], from[i]);
      } else {
#pragma omp simd
        for (std::int64_t i = 0; i < c.columns; ++i) round_to(to[i], float(to[i]) + from[i]);
      }
    }
  });
}

}  // namespace

Bf16Products bf16_products() {
  static const Bf16Products best = [] {
    const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();  // grows with what the processor has
    if (isa >= dnnl::cpu_isa::avx512_core_amx) return Bf16Products::Native;
    const bool has_instructions = isa >= dnnl::cpu_isa::avx512_core_bf16;
    return has_instructions && __builtin_cpu_is("amd") ? Bf16Products::Native : Bf16Products::Widened;
  }();
  return best;
}

template <class Out>
void matmul_widened(Matrix<const bfloat16> a, Matrix<const bfloat16> b, Matrix<Out> c, Accumulate mode) {
  const std::int64_t rows = std::max<std::int64_t>(kBlock / std::min(a.columns, kMostDepth), 64);
  for (std::int64_t begin = 0; begin < a.rows; begin += rows) {
    const std::int64_t end = std::min(begin + rows, a.rows);
    if constexpr (std::is_same_v<Out, float>) {
      multiply_rows(a.row_range(begin, end), b, c.row_range(begin, end), mode);
    } else {
      const Floats sums((end - begin) * c.columns);
      multiply_rows(a.row_range(begin, end), b, Matrix<float>::dense(sums.data(), end - begin, c.columns),
                    Accumulate::Overwrite);
      round_rows(sums.data(), c.row_range(begin, end), mode);
    }
  }
}

template void matmul_widened<float>(Matrix<const bfloat16>, Matrix<const bfloat16>, Matrix<float>, Accumulate);
template void matmul_widened<bfloat16>(Matrix<const bfloat16>, Matrix<const bfloat16>, Matrix<bfloat16>, Accumulate);

}  // namespace isobath::kernel
