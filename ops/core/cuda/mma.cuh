#pragma once
// Products on tensor cores: a warp multiplies 16 x 16 by 16 x 8 matrices of bf16 and adds in f32 (PTX ISA, "Matrix
// Fragments for mma.m16n8k16 with floating point type"; sm_80 and later). Every lane holds a part of each matrix.
// With g = lane / 4 and t = lane % 4:
//   left  [16 x 16]: pairs[0] row g,     columns 2t, 2t + 1;   pairs[1] row g + 8, the same columns;
//                    pairs[2] row g,     columns 2t + 8, + 9;  pairs[3] row g + 8, the same columns
//   right [16 x 8]:  pairs[0] rows 2t, 2t + 1 of column g;     pairs[1] rows 2t + 8, + 9 of column g
//   sums  [16 x 8]:  values[0], [1] row g, columns 2t, 2t + 1; values[2], [3] row g + 8, the same columns
// A product of two bf16 is exact in f32. In what order sixteen of them and the sum before are added, and to how many
// bits, is the device's own; a device always does it in the same way.

#include <cstdint>

#include "ops/core/cuda/device.cuh"
#include "ops/core/dtype.hpp"

namespace isobath::cuda {

/// Two bf16, the first one in the low half: neighbours along the dimension that a product sums over.
using BFloat16Pair = std::uint32_t;

inline constexpr int kMmaRows = 16, kMmaColumns = 8, kMmaDepth = 16;

struct LeftFragment {
  BFloat16Pair pairs[4];
};
struct RightFragment {
  BFloat16Pair pairs[2];
};
struct SumFragment {
  float values[4];
};

/// g and t of the calling thread, in blocks of one dimension.
__device__ __forceinline__ int mma_row() { return static_cast<int>(threadIdx.x) % 32 / 4; }
__device__ __forceinline__ int mma_pair() { return static_cast<int>(threadIdx.x) % 4; }

#ifdef __CUDACC__

/// sums[i] += left x right[i]. All 32 lanes call.
template <int kCount>
__device__ __forceinline__ void multiply_add(SumFragment (&sums)[kCount], const LeftFragment& left,
                                             const RightFragment (&right)[kCount]) {
#pragma unroll
  for (int i = 0; i < kCount; ++i)
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(sums[i].values[0]), "+f"(sums[i].values[1]), "+f"(sums[i].values[2]), "+f"(sums[i].values[3])
        : "r"(left.pairs[0]), "r"(left.pairs[1]), "r"(left.pairs[2]), "r"(left.pairs[3]), "r"(right[i].pairs[0]),
          "r"(right[i].pairs[1]));
}

/// Both rounded to nearest, ties to even.
__device__ __forceinline__ BFloat16Pair rounded_pair(float first, float second) {
  BFloat16Pair pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(second), "f"(first));
  return pair;
}

#else

using emulated::multiply_add;

inline BFloat16Pair rounded_pair(float first, float second) {
  return bfloat16(first).bits | static_cast<BFloat16Pair>(bfloat16(second).bits) << 16;
}

#endif

}  // namespace isobath::cuda
