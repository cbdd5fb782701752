#pragma once
// Host memory that a device copies to and from without the host.

#include <cstddef>
#include <memory>

#include "ops/core/cuda/check.hpp"

namespace isobath::cuda {

struct ReleasePinned {
  void operator()(std::byte* data) const noexcept { check_or_log(cudaFreeHost(data), "cudaFreeHost"); }
};
using PinnedMemory = std::unique_ptr<std::byte, ReleasePinned>;

inline PinnedMemory make_pinned(std::size_t bytes) {
  void* made = nullptr;
  check(cudaHostAlloc(&made, bytes, cudaHostAllocDefault), "cudaHostAlloc");
  return PinnedMemory(static_cast<std::byte*>(made));
}

}  // namespace isobath::cuda
