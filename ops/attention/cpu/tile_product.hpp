#pragma once
// The matrix product of the attention kernels: small operands that lie in cache, accumulators that lie in registers.

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "ops/attention/cpu/lanes.hpp"

namespace isobath::flash {

/// The left operand A[row, depth] at data[row * stride + depth].
struct RowMajor {
  const float* data;
  std::int64_t stride;

  float operator()(std::int64_t row, std::int64_t depth) const { return data[row * stride + depth]; }
  RowMajor from_row(std::int64_t row) const { return {data + row * stride, stride}; }
};

/// The left operand A[row, depth] at data[depth * stride + row].
struct Transposed {
  const float* data;
  std::int64_t stride;

  float operator()(std::int64_t row, std::int64_t depth) const { return data[depth * stride + row]; }
  Transposed from_row(std::int64_t row) const { return {data + row, stride}; }
};

/// Whether a product starts from zero or from what C holds.
enum class Start { Zero, Load };

struct Extents {
  std::int64_t rows;     ///< rounded up to kRowGranule: A and C have room for it
  std::int64_t columns;  ///< rounded up to the vector width: B and C have room for it
  std::int64_t depth;
};
inline constexpr std::int64_t kRowGranule = 2;

// Accumulators of one tile: rows x vectors registers, beside one for the left operand and `vectors` for the right one.
// With 32 registers 6 x 4 needs 10 loads for 24 multiply-adds; narrow right operands take twice the rows instead.
#if defined(__AVX512F__)
inline constexpr int kVectors = 4;
constexpr int rows_of(int vectors) { return vectors <= 2 ? 12 : 6; }
#else
inline constexpr int kVectors = 2;
constexpr int rows_of(int vectors) { return vectors <= 1 ? 12 : 6; }
#endif

// Plain arguments, which stay in registers: a tile takes well under a microsecond.
template <int rows, int vectors, Start start, class Left>
[[gnu::noinline]] void multiply_tile(Left a, std::int64_t depth, const float* b, std::int64_t ldb, float* c,
                                     std::int64_t ldc) {
  Lanes sum[rows][vectors];
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < vectors; ++j) sum[i][j] = start == Start::Zero ? Lanes{} : load(c + i * ldc + j * kLanes);
  for (std::int64_t k = 0; k < depth; ++k) {
    Lanes right[vectors];
#pragma GCC unroll 16
    for (int j = 0; j < vectors; ++j) right[j] = load(b + k * ldb + j * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i)
#pragma GCC unroll 16
      for (int j = 0; j < vectors; ++j) sum[i][j] += a(i, k) * right[j];
  }
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 16
    for (int j = 0; j < vectors; ++j) store(c + i * ldc + j * kLanes, sum[i][j]);
}

// All rows of one panel of `vectors` vectors of columns, which stays in the nearest cache meanwhile.
template <int vectors, Start start, class Left>
void multiply_panel(Extents extents, Left a, const float* b, std::int64_t ldb, float* c, std::int64_t ldc) {
  std::int64_t done = 0;
  const auto step = [&](auto with_rows) {
    constexpr int kRows = decltype(with_rows)::value;
    for (; done + kRows <= extents.rows; done += kRows)
      multiply_tile<kRows, vectors, start>(a.from_row(done), extents.depth, b, ldb, c + done * ldc, ldc);
  };
  step(std::integral_constant<int, rows_of(vectors)>{});
  if constexpr (rows_of(vectors) > 6) step(std::integral_constant<int, 6>{});
  step(std::integral_constant<int, static_cast<int>(kRowGranule)>{});
}

/// C[rows, columns] = (C +) A[rows, depth] B[depth, columns]; row strides ldb and ldc in floats.
/// Each element of C is one chain of fused multiply-adds over ascending depth, whatever the extents: cutting rows,
/// columns or depth into several calls changes no bit.
template <Start start, class Left>
void multiply(Extents extents, Left a, const float* b, std::int64_t ldb, float* c, std::int64_t ldc) {
  extents.rows = round_up(extents.rows, kRowGranule);
  extents.columns = round_up(extents.columns, kLanes);
  for (std::int64_t column = 0; column < extents.columns; column += kVectors * kLanes, b += kVectors * kLanes) {
    float* to = c + column;
    switch (std::min<std::int64_t>(kVectors, (extents.columns - column) / kLanes)) {
      case 1:
        multiply_panel<1, start>(extents, a, b, ldb, to, ldc);
        break;
      case 2:
        multiply_panel<2, start>(extents, a, b, ldb, to, ldc);
        break;
#if defined(__AVX512F__)
      case 3:
        multiply_panel<3, start>(extents, a, b, ldb, to, ldc);
        break;
      default:
        multiply_panel<4, start>(extents, a, b, ldb, to, ldc);
#endif
    }
  }
}

}  // namespace isobath::flash
