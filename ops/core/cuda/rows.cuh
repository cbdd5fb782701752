#pragma once
// Kernels in which a warp takes a row: eight rows a block.

#include <type_traits>

#include "ops/core/cuda/launch.hpp"
#include "ops/core/cuda/pack_math.cuh"
#include "ops/core/cuda/reduce.cuh"

namespace isobath::cuda {

inline constexpr unsigned kRowsPerBlock = 8;
inline constexpr unsigned kRowThreads = kWarp * kRowsPerBlock;

inline LaunchShape a_warp_per_row(std::int64_t rows) {
  return {.blocks = blocks_for(rows, kRowsPerBlock), .threads = dim3(kWarp, kRowsPerBlock)};
}

/// May lie beyond the last row; a warp is beyond as a whole.
__device__ __forceinline__ std::int64_t row_of_warp() {
  return static_cast<std::int64_t>(blockIdx.x) * kRowsPerBlock + threadIdx.y;
}

/// body(column) for the first column of every pack of a row that the calling lane of the row's warp owns.
template <int kLength, class Body>
__device__ __forceinline__ void for_packs_of_lane(std::int64_t columns, Body&& body) {
  for (std::int64_t c = threadIdx.x * kLength; c < columns; c += kWarp * kLength) body(c);
}

/// Bits are moved as they are: words of 16 bytes, or elements.
template <int kLength, class T>
using Word = std::conditional_t<kLength == 1, T, uint4>;

/// kLength elements, bit for bit.
template <int kLength, class T>
__device__ __forceinline__ void copy_word(const T* from, T* to) {
  using Moved = Word<kLength, T>;
  *reinterpret_cast<Moved*>(to) = *reinterpret_cast<const Moved*>(from);
}

/// By the calling warp, bit for bit; zeros when `from` is null.
template <int kLength, class T>
__device__ __forceinline__ void copy_row(const T* from, T* to, std::int64_t columns) {
  using Moved = Word<kLength, T>;
  for_packs_of_lane<kLength>(columns, [=](std::int64_t c) {
    if (from == nullptr)
      *reinterpret_cast<Moved*>(to + c) = Moved{};
    else
      copy_word<kLength>(from + c, to + c);
  });
}

}  // namespace isobath::cuda
