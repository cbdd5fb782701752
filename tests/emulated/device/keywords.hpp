#pragma once
// The words that CUDA adds to C++, and the built-in variables of a kernel. __shared__ is missing on purpose: shared
// memory is had through block_shared() and dynamic_shared(), so that the emulation knows where it lies.

#include <cstddef>
#include <cstdint>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __grid_constant__
#define __launch_bounds__(...)

struct uint3 {
  unsigned x = 0, y = 0, z = 0;
};

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  constexpr dim3(unsigned x_extent = 1, unsigned y_extent = 1, unsigned z_extent = 1)
      : x(x_extent), y(y_extent), z(z_extent) {}
};

/// Sixteen bytes moved at once. Kernels read arrays of other types through it, as the device allows.
struct [[gnu::may_alias]] alignas(16) uint4 {
  unsigned x = 0, y = 0, z = 0, w = 0;
};

// All threads of a block run on one thread of the operating system; the scheduler sets these when it switches.
extern constinit thread_local uint3 threadIdx;
extern constinit thread_local uint3 blockIdx;
extern constinit thread_local dim3 blockDim;
extern constinit thread_local dim3 gridDim;

inline constexpr int warpSize = 32;
