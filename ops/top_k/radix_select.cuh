#pragma once
// The k-th greatest of a sequence, by its digits: each round counts the candidates by their next eight bits, and keeps
// those whose digit the k-th one has.

#include <bit>
#include <cstdint>

#include "ops/top_k/listing.cuh"

namespace isobath::kernel {

inline constexpr int kDigitBits = 8;
inline constexpr int kDigits = 1 << kDigitBits;
static_assert(kListThreads >= kDigits);

/// A word whose unsigned order is that of the scores: NaN at the bottom, -0 and +0 equal.
__device__ __forceinline__ std::uint32_t order_of(float score) {
  if (score != score) return 0;
  const auto bits = std::bit_cast<std::uint32_t>(score + 0.0F);  // -0 + 0 is +0
  return (bits >> 31) != 0 ? ~bits : bits | 0x80000000U;
}

/// The words of a sequence: the first `kept` of them in shared memory, the others made from the scores again.
struct Words {
  const float* scores;
  std::uint32_t* words;
  std::int64_t kept;

  __device__ __forceinline__ std::uint32_t operator[](std::int64_t t) const {
    return t < kept ? words[t] : order_of(scores[t]);
  }
};

/// The k-th greatest word, and how many of its equals belong to the k greatest.
struct Threshold {
  std::uint32_t word;
  std::int32_t equals;
};

struct SelectScratch {
  std::int32_t count[kDigits];
  std::uint32_t digit;
  std::int32_t wanted;  // among the candidates that have the digit
};

// The digit of the `wanted`-th greatest candidate. By one warp: a lane has eight digits, the first one the greatest.
__device__ __forceinline__ void find_digit(SelectScratch& scratch, std::int32_t wanted) {
  constexpr int kOwn = kDigits / static_cast<int>(cuda::kWarp);
  const int lane = static_cast<int>(threadIdx.x), top = kDigits - 1 - lane * kOwn;
  std::int32_t own = 0;
#pragma unroll
  for (int i = 0; i < kOwn; ++i) own += scratch.count[top - i];
  std::int32_t through = own;  // of this lane and the ones before
#pragma unroll
  for (int distance = 1; distance < static_cast<int>(cuda::kWarp); distance *= 2) {
    const std::int32_t more = __shfl_up_sync(cuda::kAllLanes, through, distance);
    through += lane >= distance ? more : 0;
  }
  std::int32_t before = through - own;
  if (before >= wanted || through < wanted) return;
  int digit = top;
  while (before + scratch.count[digit] < wanted) before += scratch.count[digit--];
  scratch.digit = static_cast<std::uint32_t>(digit);
  scratch.wanted = wanted - before;
}

/// All threads of the block call, with the words written and a barrier passed; every thread gets the same.
__device__ __forceinline__ Threshold select(const Words& words, std::int64_t length, std::int32_t k) {
  auto& scratch = cuda::block_shared<SelectScratch>();
  Threshold found{0, k};
  for (int shift = 32 - kDigitBits; shift >= 0; shift -= kDigitBits) {
    if (threadIdx.x < kDigits) scratch.count[threadIdx.x] = 0;
    __syncthreads();
    for (std::int64_t t = threadIdx.x; t < length; t += kListThreads) {
      const std::uint32_t differs = (words[t] ^ found.word) >> shift;  // below kDigits if all earlier digits agree
      if (differs < kDigits) atomicAdd(&scratch.count[differs], 1);    // the digit itself: found.word has none yet
    }
    __syncthreads();
    if (threadIdx.x < cuda::kWarp) find_digit(scratch, found.equals);
    __syncthreads();
    found = {found.word | scratch.digit << shift, scratch.wanted};
  }
  return found;
}

}  // namespace isobath::kernel
