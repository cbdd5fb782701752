#pragma once
// Devices: as many as ISOBATH_EMULATED_DEVICES says, 1 without that variable. They differ in nothing but their number.

#include <cstddef>

#include "tests/emulated/api/error.hpp"

enum cudaDeviceAttr {
  cudaDevAttrMaxThreadsPerBlock = 1,
  cudaDevAttrMaxSharedMemoryPerBlock = 8,
  cudaDevAttrWarpSize = 10,
  cudaDevAttrMultiProcessorCount = 16,
  cudaDevAttrComputeCapabilityMajor = 75,
  cudaDevAttrComputeCapabilityMinor = 76,
  cudaDevAttrMaxSharedMemoryPerBlockOptin = 97,
  cudaDevAttrMemoryPoolsSupported = 115,
};

/// cudaErrorNoDevice for 0.
cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaGetDevice(int* device);
/// Those of compute capability 9.0, with few multiprocessors, so that kernels sized by them stay small.
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device);
struct cudaDeviceProp {
  char name[256];
};
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
/// Runs everything that is queued on the current device.
cudaError_t cudaDeviceSynchronize();
/// Of the current device, in bytes.
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total);

namespace isobath::emulated {

int current_device();

}  // namespace isobath::emulated
