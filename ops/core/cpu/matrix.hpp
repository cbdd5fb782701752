#pragma once
// A matrix as the product sees it: transposition and row panels are other strides over the same elements.

#include <cstdint>
#include <type_traits>

namespace isobath::kernel {

/// Element (i, j) is data[i * row_step + j * column_step]; one of the two steps is 1.
template <class T>
struct Matrix {
  T* data = nullptr;
  std::int64_t rows = 0, columns = 0;
  std::int64_t row_step = 0, column_step = 1;

  /// Row-major without gaps.
  static constexpr Matrix dense(T* data, std::int64_t rows, std::int64_t columns) {
    return {data, rows, columns, columns, 1};
  }
  constexpr Matrix transposed() const { return {data, columns, rows, column_step, row_step}; }
  /// Rows [begin, end).
  constexpr Matrix row_range(std::int64_t begin, std::int64_t end) const {
    return {data + begin * row_step, end - begin, columns, row_step, column_step};
  }
  /// Columns [begin, end).
  constexpr Matrix column_range(std::int64_t begin, std::int64_t end) const {
    return {data + begin * column_step, rows, end - begin, row_step, column_step};
  }
  constexpr operator Matrix<const T>() const requires(!std::is_const_v<T>) {
    return {data, rows, columns, row_step, column_step};
  }
};

}  // namespace isobath::kernel
