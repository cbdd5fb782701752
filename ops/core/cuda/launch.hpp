#pragma once
// The only way to start a kernel.

#include <cstddef>
#include <cstdint>

#include <cuda_runtime.h>

#include "ops/core/cuda/check.hpp"
#include "ops/core/cuda/stream.hpp"

namespace isobath::cuda {

/// How many threads run a kernel, and how.
struct LaunchShape {
  dim3 blocks;
  dim3 threads;                   ///< of a block
  std::size_t dynamic_bytes = 0;  ///< of shared memory, had by dynamic_shared() in device.cuh
};

/// Blocks of `size` items that cover `count`; at least one, since CUDA has no empty grid.
constexpr unsigned blocks_for(std::int64_t count, std::int64_t size) {
  return count <= size ? 1U : static_cast<unsigned>((count + size - 1) / size);
}

/// More dynamic shared memory than this must be asked for by name (CUDA programming guide, compute
/// capability 8.x, 9.0).
inline constexpr std::size_t kUnaskedBytes = 48 * 1024;

/// Queues kernel(args...). Arguments are converted to the parameter types here and copied. `name` is for errors.
/// Throws InternalError for extents that no device takes.
template <class... Params, class... Args>
void launch(const char* name, void (*kernel)(Params...), const LaunchShape& shape, CudaQueue queue, Args&&... args) {
  if (shape.dynamic_bytes > kUnaskedBytes)
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(shape.dynamic_bytes)),
          name);
  cudaLaunchConfig_t config{};
  config.gridDim = shape.blocks;
  config.blockDim = shape.threads;
  config.dynamicSmemBytes = shape.dynamic_bytes;
  config.stream = stream_of(queue);
  check(cudaLaunchKernelEx(&config, kernel, static_cast<Params>(args)...), name);
}

}  // namespace isobath::cuda
