// The matrix product against double precision, in every layout, type and mode that the ops use.
#include "ops/core/cpu/matmul.hpp"

#include <filesystem>
#include <thread>

#include <gtest/gtest.h>
#include <oneapi/dnnl/dnnl.hpp>

#include "ops/core/threads.hpp"
#include "ops_dense/exact.hpp"

namespace isobath {
namespace {

using kernel::Matrix;

struct Extents {
  std::int64_t m, n, k;
};
// ragged, single rows and columns, multiples of vector and page lengths, and nothing at all
constexpr Extents kExtents[] = {{1, 1, 1},    {1, 1, 300},  {5, 1, 7},     {1, 9, 4},      {7, 5, 3},     {16, 16, 16},
                                {33, 17, 65}, {64, 100, 1}, {130, 48, 31}, {200, 129, 77}, {12, 1024, 8}, {40, 8, 1024},
                                {0, 4, 5},    {4, 0, 5},    {4, 5, 0},     {257, 63, 190}};

template <class T>
Tensor random_tensor(Shape shape, std::uint64_t seed) {
  const std::vector<float> values = test::random_values(shape.count(), seed);
  if constexpr (std::is_same_v<T, float>) return Tensor::from(shape, values);
  std::vector<bfloat16> narrow;
  for (const float value : values) narrow.emplace_back(value);
  return Tensor::from(shape, narrow);
}

template <class T>
Matrix<T> matrix_of(const Tensor& tensor) {
  return Matrix<T>::dense(tensor.view<T>().data, tensor.dim(0), tensor.dim(1));
}

/// The operand [rows, columns], stored so or as its transpose.
template <class T>
struct Operand {
  Tensor tensor;
  Matrix<const T> matrix;
  test::Exact value;

  static Operand row_major(std::int64_t rows, std::int64_t columns, std::uint64_t seed) {
    const Tensor t = random_tensor<T>({rows, columns}, seed);
    return {t, matrix_of<const T>(t), test::exact(t)};
  }
  static Operand column_major(std::int64_t rows, std::int64_t columns, std::uint64_t seed) {
    const Tensor t = random_tensor<T>({columns, rows}, seed);
    return {t, matrix_of<const T>(t).transposed(), test::transposed(test::exact(t))};
  }
};

/// `product` is that of a and b.
template <class In, class Out>
void check_product(const Operand<In>& a, const Operand<In>& b, const test::Exact& product, Accumulate mode,
                   kernel::Bf16Products bf16) {
  const Tensor c = random_tensor<Out>({a.matrix.rows, b.matrix.columns}, 3);
  test::Exact want = product;
  if (mode == Accumulate::Add) want = test::sum(want, test::exact(c), static_cast<double>(a.matrix.columns) + 1);
  if (std::is_same_v<Out, bfloat16>) want = test::rounded(want, test::kBf16Epsilon);
  if (mode == Accumulate::Overwrite)  // what was there must not be read
    for (std::int64_t i = 0; i < c.count(); ++i) c.view<Out>()[i] = Out(std::numeric_limits<float>::quiet_NaN());
  kernel::matmul<In, Out>(a.matrix, b.matrix, matrix_of<Out>(c), mode, bf16);
  EXPECT_TRUE(test::within(c, want)) << a.matrix.rows << ' ' << b.matrix.columns << ' ' << a.matrix.columns;
}

template <class In, class Out>
void check_product(const Operand<In>& a, const Operand<In>& b, Accumulate mode,
                   kernel::Bf16Products bf16 = kernel::bf16_products()) {
  check_product<In, Out>(a, b, test::product(a.value, b.value), mode, bf16);
}

template <class In, class Out>
void check_all_layouts(kernel::Bf16Products bf16 = kernel::bf16_products()) {
  for (const auto& [m, n, k] : kExtents)
    for (const Accumulate mode : {Accumulate::Overwrite, Accumulate::Add})
      for (const auto make_a : {Operand<In>::row_major, Operand<In>::column_major})
        for (const auto make_b : {Operand<In>::row_major, Operand<In>::column_major})
          check_product<In, Out>(make_a(m, k, 1), make_b(k, n, 2), mode, bf16);
}

TEST(Matmul, F32InEveryLayout) { check_all_layouts<float, float>(); }
TEST(Matmul, Bf16WidenedInEveryLayout) {
  check_all_layouts<bfloat16, float>(kernel::Bf16Products::Widened);
  check_all_layouts<bfloat16, bfloat16>(kernel::Bf16Products::Widened);
}
TEST(Matmul, Bf16NativeInEveryLayout) {
  if (dnnl::get_effective_cpu_isa() < dnnl::cpu_isa::avx512_core)
    GTEST_SKIP() << "oneDNN multiplies bf16 on processors with AVX-512 only";
  check_all_layouts<bfloat16, float>(kernel::Bf16Products::Native);
  check_all_layouts<bfloat16, bfloat16>(kernel::Bf16Products::Native);
}

// More rows, columns and depth than one widened block takes.
TEST(Matmul, WidenedInSeveralBlocks) {
  const auto a = Operand<bfloat16>::column_major(325, 4100, 1), b = Operand<bfloat16>::row_major(4100, 322, 2);
  const test::Exact product = test::product(a.value, b.value);
  for (const Accumulate mode : {Accumulate::Overwrite, Accumulate::Add}) {
    check_product<bfloat16, float>(a, b, product, mode, kernel::Bf16Products::Widened);
    check_product<bfloat16, bfloat16>(a, b, product, mode, kernel::Bf16Products::Widened);
  }
}

TEST(Matmul, PanelsAreWrittenAndNothingElse) {
  const auto a = Operand<float>::row_major(20, 6, 1), b = Operand<float>::row_major(6, 10, 2);
  const Tensor c = random_tensor<float>({20, 10}, 3);
  test::Exact want = test::exact(c);
  const test::Exact whole = test::product(a.value, b.value);
  for (std::int64_t i = 7; i < 13; ++i)
    for (std::int64_t j = 2; j < 9; ++j) {
      want.value[want.at(i, j)] = whole.value[whole.at(i, j)];
      want.error[want.at(i, j)] = whole.error[whole.at(i, j)];
    }
  kernel::matmul<float, float>(a.matrix.row_range(7, 13), b.matrix.column_range(2, 9),
                               matrix_of<float>(c).row_range(7, 13).column_range(2, 9), Accumulate::Overwrite);
  EXPECT_TRUE(test::within(c, want));
}

TEST(Matmul, TallOperandsInSlices) {
  for (const int threads : {1, 3})
    for (const auto& [m, n, k] : {Extents{96, 10, 500}, {10, 96, 193}, {7, 5, 192}, {70, 70, 0}, {1, 40, 385}})
      for (const Accumulate mode : {Accumulate::Overwrite, Accumulate::Add}) {
        const Operand<float> a = Operand<float>::row_major(k, m, 4), b = Operand<float>::row_major(k, n, 5);
        const Tensor c = random_tensor<float>({m, n}, 6);
        test::Exact want = test::product(test::transposed(a.value), b.value);
        if (mode == Accumulate::Add) want = test::sum(want, test::exact(c), static_cast<double>(k) + 1);
        const int before = kernel_threads();
        set_kernel_threads(threads);
        kernel::matmul_tall<float>(a.matrix, b.matrix, matrix_of<float>(c), mode);
        set_kernel_threads(before);
        EXPECT_TRUE(test::within(c, want)) << m << ' ' << n << ' ' << k << ' ' << threads;
      }
}

std::ptrdiff_t threads_of_process() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"), std::filesystem::directory_iterator());
}

/// A product in every layout and mode.
void multiply_in_every_way() {
  constexpr std::int64_t kSize = 512;
  const Tensor a = Tensor::zeros({kSize, kSize}, DType::F32), b = Tensor::zeros({kSize, kSize}, DType::F32);
  const auto left = matrix_of<const float>(a), right = matrix_of<const float>(b);
  const Tensor c = Tensor::zeros({kSize, kSize}, DType::F32);
  for (const auto& from : {left, left.transposed()})
    for (const auto& with : {right, right.transposed()})
      for (const Accumulate mode : {Accumulate::Overwrite, Accumulate::Add})
        kernel::matmul<float, float>(from, with, matrix_of<float>(c), mode);
}

// oneDNN would go on with as many threads as the next region had when the primitive was made.
TEST(Matmul, MadeByOneThreadOfARegionNeedsNoOtherLater) {
  std::thread([] {  // whose primitives are its own
    set_kernel_threads(2);
    parallel_for(2, 1, [](std::int64_t begin, std::int64_t) { begin == 0 ? multiply_in_every_way() : void(); });
    EXPECT_EQ(kernel_threads(), 2);
    const std::ptrdiff_t in_region = threads_of_process();
    end_idle_threads();
    while (threads_of_process() == in_region) std::this_thread::yield();  // the kernel forgets a thread a little later
    set_kernel_threads(1);
    const std::ptrdiff_t before = threads_of_process();
    multiply_in_every_way();
    EXPECT_EQ(threads_of_process(), before);
  })
      .join();
}

TEST(Matmul, RefusesExtentsThatDoNotFit) {
  const auto a = Operand<float>::row_major(3, 4, 1), b = Operand<float>::row_major(5, 2, 2);
  const Tensor c = random_tensor<float>({3, 2}, 3);
  EXPECT_THROW((kernel::matmul<float, float>(a.matrix, b.matrix, matrix_of<float>(c), Accumulate::Overwrite)),
               InternalError);
}

TEST(Matmul, ANaNReachesTheResult) {
  const auto a = Operand<float>::row_major(8, 16, 1), b = Operand<float>::row_major(16, 8, 2);
  const Tensor c = random_tensor<float>({8, 8}, 3);
  a.tensor.view<float>()[20] = std::numeric_limits<float>::quiet_NaN();  // row 1
  kernel::matmul<float, float>(a.matrix, b.matrix, matrix_of<float>(c), Accumulate::Overwrite);
  for (std::int64_t i = 0; i < 64; ++i) EXPECT_EQ(std::isnan(c.view<float>()[i]), i / 8 == 1) << i;
}

}  // namespace
}  // namespace isobath
