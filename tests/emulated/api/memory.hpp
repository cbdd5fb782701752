#pragma once
// Memory of devices, and pinned memory of the host. Fresh memory is poisoned like shared memory; copies check that each
// end lies where their kind says.

#include <cstddef>

#include "tests/emulated/api/error.hpp"
#include "tests/emulated/api/stream.hpp"

enum cudaMemcpyKind {
  cudaMemcpyHostToHost = 0,
  cudaMemcpyHostToDevice = 1,
  cudaMemcpyDeviceToHost = 2,
  cudaMemcpyDeviceToDevice = 3,
};

inline constexpr unsigned cudaHostAllocDefault = 0;

/// cudaErrorMemoryAllocation beyond the 80 GiB that a device has; the same for cudaMallocAsync.
cudaError_t cudaMalloc(void** data, std::size_t bytes);
/// Throws Fault when queued work still uses the memory. CUDA waits for all streams here; isobath is not to lean on
/// that.
cudaError_t cudaFree(void* data);

/// The memory may be used by work that comes after this point of the stream.
cudaError_t cudaMallocAsync(void** data, std::size_t bytes, cudaStream_t stream);
/// The memory is gone at this point of the stream. What uses it must come before; otherwise a Fault is thrown to
/// whoever runs one of the two.
cudaError_t cudaFreeAsync(void* data, cudaStream_t stream);

cudaError_t cudaHostAlloc(void** data, std::size_t bytes, unsigned flags);
/// Throws Fault when queued work still uses the memory.
cudaError_t cudaFreeHost(void* data);

/// Pinned ends are read and written when the copy's turn comes. Pageable ones differ (CUDA runtime API, "API
/// synchronization behavior"): a source is staged within the call, and a destination is complete on return.
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream = nullptr);
/// On the default stream; complete on return, but for copies within a device.
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind);
cudaError_t cudaMemsetAsync(void* data, int value, std::size_t bytes, cudaStream_t stream = nullptr);
