#pragma once
// Inputs and heads as the attention kernels find them.

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "ops/attention/attention.hpp"
#include "ops/attention/cuda/members.cuh"
#include "ops/attention/cuda/tiles.cuh"
#include "ops/core/cuda/launch.hpp"

namespace isobath::flash {

inline constexpr float kLog2E = 1.44269504F;
inline constexpr float kLn2 = 0.693147181F;

/// The inputs of a call, as kernels take them.
template <class T>
struct Operands {
  const T *q, *k, *v;
  kernel::SequenceRows queries, keys;
  std::int64_t query_columns, key_columns;
  int width, group;
  float scale;  // 1 / sqrt(D)
  Access access;

  /// Of a tensor with the shape of q.
  template <class Element>
  __device__ __forceinline__ HeadRows<Element> query_head(Element* rows, const Members& of, std::int64_t head) const {
    return {rows + of.begin * query_columns + head * width, query_columns, width, access};
  }
  /// Of a tensor with the shape of k.
  template <class Element>
  __device__ __forceinline__ HeadRows<Element> key_head(Element* rows, const Members& of, std::int64_t head) const {
    return {rows + of.begin * key_columns + head * width, key_columns, width, access};
  }
};

template <class T>
bool has_vectors(const T* data, std::int64_t columns) {
  return cuda::allows_vectors(data, static_cast<std::size_t>(columns) * sizeof(T));
}

/// `others`: further tensors, of the shape of q or k, that kernels are to read 16 bytes at a time.
template <class T, class... Others>
Operands<T> operands_of(const kernel::AttentionInputs<T>& in, const Others*... others) {
  const std::int64_t width = in.head_width();
  if (width > kMaxWidth)
    throw BackendError(text("attention: heads of ", width, " columns on CUDA; at most ", kMaxWidth));
  const bool vectors = has_vectors(in.q.data, width) && has_vectors(in.k.data, width) &&
                       has_vectors(in.v.data, width) && (has_vectors(others, width) && ...);
  return {in.q.data,
          in.k.data,
          in.v.data,
          in.queries,
          in.keys,
          in.q.columns(),
          in.k.columns(),
          static_cast<int>(width),
          static_cast<int>(in.group()),
          1.0F / std::sqrt(static_cast<float>(width)),
          vectors ? Access::Vectors : Access::Elements};
}

/// Blocks of a multiprocessor that the compiler has to leave registers for. Shared memory allows one or two; more
/// registers for each is what keeps the sums of a thread out of memory.
inline constexpr int kBlocksTogether = 1;

/// A width that the kernels are compiled for, as a type.
template <int kWidth>
using Width = std::integral_constant<int, kWidth>;

/// body(Width<n>{}) with the least n that holds the head.
template <class Body>
void with_width(std::int64_t width, Body&& body) {
  if (width <= 64)
    body(Width<64>{});
  else if (width <= 128)
    body(Width<128>{});
  else
    body(Width<kMaxWidth>{});
}

/// Writes (Overwrite) or adds (Add) factor * sums of one owned row, each element rounded to T once.
template <int kWidth, class T>
__device__ __forceinline__ void put_row(const OwnSums<kWidth>& sums, int own_row, float factor, Accumulate mode,
                                        const HeadRows<T>& to, std::int64_t row) {
#pragma unroll
  for (int p = 0; p < TileShape<kWidth>::kPacks; ++p) {
    const int column = 4 * thread_x() + p * kColumnsApart;
    T* const target = to.row(row) + column;
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      if (column + e >= to.width) continue;
      const float before = mode == Accumulate::Add ? static_cast<float>(target[e]) : 0.0F;
      target[e] = static_cast<T>(before + factor * sums.packs[own_row][p].values[e]);
    }
  }
}

}  // namespace isobath::flash
