#pragma once
// A View of two dimensions as kernels take it: extents in registers, none looked up by index.

#include <cstdint>

#include "ops/core/cuda/pack.cuh"
#include "ops/tensor/view.hpp"

namespace isobath::cuda {

template <class T>
struct Matrix {
  T* data;
  std::int64_t rows;
  std::int64_t columns;

  explicit Matrix(View<T> view) : data(view.data), rows(view.rows()), columns(view.columns()) {}
  __device__ __forceinline__ T* row(std::int64_t index) const { return data + index * columns; }

  /// Whether its rows can be moved 16 bytes at a time.
  bool allows_vectors() const { return cuda::allows_vectors(data, static_cast<std::size_t>(columns) * sizeof(T)); }
};

/// body(Length<n>{}) with as many elements of T as fill 16 bytes, or 1 when a row does not begin at such an address.
template <class T, class Body, class... Operands>
void with_length(Body&& body, const Operands&... operands) {
  if ((operands.allows_vectors() && ...))
    body(Length<kVectorLength<T>>{});
  else
    body(Length<1>{});
}

}  // namespace isobath::cuda
