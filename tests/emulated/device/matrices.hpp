#pragma once
// Matrix products by a warp, each lane bringing its part (ops/core/cuda/mma.cuh).

#include <cstdint>

#include "tests/emulated/device/collectives.hpp"

namespace isobath::emulated {

/// What a lane brings to `count` products with one left factor, and where its part of the sums is: a fragment of the
/// left factor has 4 words of two bf16, one of a right factor 2, one of sums 4 floats.
struct MatrixParts {
  const std::uint32_t* left;
  const std::uint32_t* right;
  float* sums;
  int count;
};

/// Waits for all lanes of the warp, then sums += left x right, over ascending depth.
void meet_for_products(const MatrixParts& parts, Where where);

template <int kCount, class Sum, class Left, class Right>
void multiply_add(Sum (&sums)[kCount], const Left& left, const Right (&right)[kCount], Where where = Where::current()) {
  static_assert(sizeof(Sum) == 4 * sizeof(float) && sizeof(Left) == 4 * sizeof(std::uint32_t) &&
                sizeof(Right) == 2 * sizeof(std::uint32_t));
  meet_for_products({left.pairs, right[0].pairs, sums[0].values, kCount}, where);
}

}  // namespace isobath::emulated
