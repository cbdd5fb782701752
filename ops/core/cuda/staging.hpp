#pragma once
// The way of host memory to a device that costs the host no wait.

#include <cstddef>

#include "ops/core/queue.hpp"

namespace isobath::cuda {

/// Queues a copy of `bytes` from any host memory, which may change or go when the call returns: it has been copied to
/// pinned memory by then. While the thread records (ops/core/device_graph.hpp) each launch sends what it is now. Waits,
/// and counts it, only while kMostStaged bytes are on their way already. `queue` is one of the current device. From any
/// thread.
void upload(CudaQueue queue, void* to, const void* from, std::size_t bytes);

/// Pinned memory that uploads to a device may take. A step sends some batches and small numbers; what is longer goes in
/// pieces.
inline constexpr std::size_t kMostStaged = std::size_t{64} << 20;

/// Bytes of pinned memory that uploads to the current device hold.
std::size_t staged_bytes();

}  // namespace isobath::cuda
