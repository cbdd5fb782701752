#pragma once
// Device memory: host memory that only cudaMalloc gives out. Fresh memory is poisoned like shared memory; copies check
// that each end lies where their kind says.

#include <cstddef>

#include "tests/emulated/api/error.hpp"
#include "tests/emulated/api/stream.hpp"

enum cudaMemcpyKind {
  cudaMemcpyHostToHost = 0,
  cudaMemcpyHostToDevice = 1,
  cudaMemcpyDeviceToHost = 2,
  cudaMemcpyDeviceToDevice = 3,
};

/// cudaErrorMemoryAllocation beyond the 80 GiB that a device has.
cudaError_t cudaMalloc(void** data, std::size_t bytes);
cudaError_t cudaFree(void* data);
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream = nullptr);
cudaError_t cudaMemsetAsync(void* data, int value, std::size_t bytes, cudaStream_t stream = nullptr);

inline constexpr unsigned cudaHostAllocDefault = 0;
/// Pinned memory of the host, poisoned when fresh. cudaErrorInvalidValue for other flags than the default.
cudaError_t cudaHostAlloc(void** data, std::size_t bytes, unsigned flags);
cudaError_t cudaFreeHost(void* data);
