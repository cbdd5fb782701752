#pragma once
#include <cstddef>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

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

/// Checks the extents against compute capability 9.0 and submits the grid to its stream. work.run is one thread.
cudaError_t launch_grid(const cudaLaunchConfig_t& config, const void* kernel, Work work);
cudaError_t allow_dynamic_bytes(const void* kernel, int bytes);

/// Adds the memory that a kernel's argument points to: every address in it, as far as it is one that the runtime gave
/// out.
template <class Argument>
void add_uses(Work& work, const Argument& argument) {
  static_assert(std::is_trivially_copyable_v<Argument>, "kernel arguments are copied to the device as bytes");
  for (PiecePtr& piece : Pieces::all().named_in(&argument, sizeof(argument))) work.uses.push_back(std::move(piece));
}

}  // namespace isobath::emulated

template <class... Params, class... Args>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Params...), Args&&... args) {
  const std::tuple<std::remove_cvref_t<Params>...> values(std::forward<Args>(args)...);
  isobath::emulated::Work work{[kernel, values] { std::apply(kernel, values); }, {}};
  std::apply([&](const auto&... each) { (isobath::emulated::add_uses(work, each), ...); }, values);
  return isobath::emulated::launch_grid(*config, reinterpret_cast<const void*>(kernel), std::move(work));
}

/// A kernel may have more than 48 KiB of dynamic shared memory only after this call, and 227 KiB at most.
template <class... Params>
cudaError_t cudaFuncSetAttribute(void (*kernel)(Params...), cudaFuncAttribute, int value) {
  return isobath::emulated::allow_dynamic_bytes(reinterpret_cast<const void*>(kernel), value);
}
