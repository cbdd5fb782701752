#pragma once
#include <cstddef>
#include <functional>
#include <tuple>
#include <type_traits>

#include "tests/emulated/api/error.hpp"
#include "tests/emulated/api/stream.hpp"
#include "tests/emulated/device/keywords.hpp"

struct cudaLaunchConfig_t {
  dim3 gridDim;
  dim3 blockDim;
  std::size_t dynamicSmemBytes = 0;
  cudaStream_t stream = nullptr;
};

enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };

namespace isobath::emulated {

/// Checks the extents against compute capability 9.0 and submits the grid to its stream.
cudaError_t launch_grid(const cudaLaunchConfig_t& config, const void* kernel, std::function<void()> body);
cudaError_t allow_dynamic_bytes(const void* kernel, int bytes);

}  // namespace isobath::emulated

template <class... Params, class... Args>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Params...), Args&&... args) {
  return isobath::emulated::launch_grid(*config, reinterpret_cast<const void*>(kernel),
                                        [kernel, values = std::tuple<std::remove_cvref_t<Params>...>(
                                                     std::forward<Args>(args)...)] { std::apply(kernel, values); });
}

/// A kernel may have more than 48 KiB of dynamic shared memory only after this call, and 227 KiB at most.
template <class... Params>
cudaError_t cudaFuncSetAttribute(void (*kernel)(Params...), cudaFuncAttribute, int value) {
  return isobath::emulated::allow_dynamic_bytes(reinterpret_cast<const void*>(kernel), value);
}
