#pragma once
// What kernels include: CUDA as the toolkit or the emulation provides it, and the few things that the two must say
// differently. Shared memory is never declared in a kernel, but had from here.

#include <cuda_runtime.h>

#ifdef __CUDACC__

#include <type_traits>

namespace isobath::cuda {

/// The block's one object of type T in shared memory, uninitialised: a kernel that asks twice gets the same one.
template <class T>
__device__ __forceinline__ T& block_shared() {
  static_assert(std::is_trivially_default_constructible_v<T>, "nothing runs a constructor in shared memory");
  __shared__ T object;
  return object;
}

/// The dynamic shared memory that the launch asked for, aligned to 16 bytes, uninitialised.
template <class T>
__device__ __forceinline__ T* dynamic_shared() {
  extern __shared__ __align__(16) unsigned char dynamic_bytes[];
  return reinterpret_cast<T*>(dynamic_bytes);
}

}  // namespace isobath::cuda

#else

namespace isobath::cuda {

using emulated::block_shared;
using emulated::dynamic_shared;

}  // namespace isobath::cuda

#endif
