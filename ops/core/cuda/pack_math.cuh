#pragma once
// Arithmetic on packs, element by element, in f32.

#include "ops/core/accumulate.hpp"
#include "ops/core/cuda/pack.cuh"

namespace isobath::cuda {

/// f of the elements at each place of packs of one length.
template <class F, int kLength, class... More>
__device__ __forceinline__ Pack<kLength> map(F&& f, const Pack<kLength>& first, const More&... more) {
  Pack<kLength> out;
#pragma unroll
  for (int e = 0; e < kLength; ++e) out.values[e] = f(first.values[e], more.values[e]...);
  return out;
}

template <int kLength>
__device__ __forceinline__ void add_to(Pack<kLength>& sum, const Pack<kLength>& more) {
#pragma unroll
  for (int e = 0; e < kLength; ++e) sum.values[e] += more.values[e];
}

template <int kLength>
__device__ __forceinline__ float sum_of(const Pack<kLength>& pack) {
  float sum = 0.0F;
#pragma unroll
  for (int e = 0; e < kLength; ++e) sum += pack.values[e];
  return sum;
}

/// The elements at `to` are (Overwrite) or grow by (Add) the pack, rounded to T once.
template <int kLength, class T>
__device__ __forceinline__ void put(T* to, Accumulate mode, Pack<kLength> pack) {
  if (mode == Accumulate::Add) add_to(pack, load<kLength>(to));
  store(to, pack);
}

}  // namespace isobath::cuda
