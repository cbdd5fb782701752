#pragma once
// What a kernel sees: typed data, extents, and the distance between rows. A plain value for any device; it owns
// nothing.

#include <cstdint>
#include <type_traits>

#include "ops/core/shape.hpp"

namespace isobath {

/// A dense row-major array. `data[i * columns() + j]` is row i of all leading dimensions taken together, element j of
/// the last one.
template <class T>
struct View {
  T* data = nullptr;
  Shape shape;

  constexpr std::int64_t count() const { return shape.count(); }
  constexpr std::int64_t dim(int index) const { return shape[index]; }
  /// Extent of the last dimension; 1 for a scalar.
  constexpr std::int64_t columns() const { return shape.rank() ? shape[shape.rank() - 1] : 1; }
  /// Number of rows of `columns()` elements.
  constexpr std::int64_t rows() const { return columns() ? count() / columns() : 0; }
  constexpr T* row(std::int64_t index) const { return data + index * columns(); }
  constexpr T& operator[](std::int64_t index) const { return data[index]; }

  constexpr operator View<const T>() const requires(!std::is_const_v<T>) { return {data, shape}; }
};

}  // namespace isobath
