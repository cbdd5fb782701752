#pragma once
// Neighbouring elements of a row: moved sixteen bytes at a time, computed with as f32.

#include <bit>
#include <cstdint>
#include <type_traits>

#include "ops/core/cuda/device.cuh"
#include "ops/core/dtype.hpp"

namespace isobath::cuda {

inline constexpr std::size_t kVectorBytes = sizeof(uint4);

/// Elements of T in one 16-byte move.
template <class T>
inline constexpr int kVectorLength = static_cast<int>(kVectorBytes / sizeof(T));

/// Whether every row of `row_bytes` bytes, the first one at `data`, begins at a multiple of 16 bytes.
inline bool allows_vectors(const void* data, std::size_t row_bytes) {
  return reinterpret_cast<std::uintptr_t>(data) % kVectorBytes == 0 && row_bytes % kVectorBytes == 0;
}

/// Elements that a thread moves at once, as a type, so that kernels are compiled for each.
template <int kLength>
using Length = std::integral_constant<int, kLength>;

/// kLength neighbouring elements: 1, or a multiple of kVectorLength of the type in memory.
template <int kLength>
struct Pack {
  float values[kLength];
};

template <class T>
struct Vector {
  T elements[kVectorLength<T>];
};

template <int kLength, class T>
__device__ __forceinline__ Pack<kLength> load(const T* from) {
  Pack<kLength> out;
  if constexpr (kLength == 1) {
    out.values[0] = static_cast<float>(*from);
  } else {
#pragma unroll
    for (int begin = 0; begin < kLength; begin += kVectorLength<T>) {
      const auto vector = std::bit_cast<Vector<T>>(*reinterpret_cast<const uint4*>(from + begin));
#pragma unroll
      for (int i = 0; i < kVectorLength<T>; ++i) out.values[begin + i] = static_cast<float>(vector.elements[i]);
    }
  }
  return out;
}

template <int kLength, class T>
__device__ __forceinline__ void store(T* to, const Pack<kLength>& pack) {
  if constexpr (kLength == 1) {
    *to = static_cast<T>(pack.values[0]);
  } else {
#pragma unroll
    for (int begin = 0; begin < kLength; begin += kVectorLength<T>) {
      Vector<T> vector;
#pragma unroll
      for (int i = 0; i < kVectorLength<T>; ++i) vector.elements[i] = static_cast<T>(pack.values[begin + i]);
      *reinterpret_cast<uint4*>(to + begin) = std::bit_cast<uint4>(vector);
    }
  }
}

}  // namespace isobath::cuda
