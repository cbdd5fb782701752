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

struct cudaDeviceProp {
  char name[256];
  std::size_t totalGlobalMem;
  int multiProcessorCount;
  int major, minor;
};

/// Those of CUDA 13.0, runtime and driver.
cudaError_t cudaDriverGetVersion(int* version);
cudaError_t cudaRuntimeGetVersion(int* version);
/// cudaErrorNoDevice for 0.
cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaGetDevice(int* device);
/// Those of compute capability 9.0, with few multiprocessors, so that kernels sized by them stay small.
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
/// One bus for each device, in the form 0000:BB:00.0; cudaErrorInvalidValue when `length` bytes do not hold it.
cudaError_t cudaDeviceGetPCIBusId(char* bus_id, int length, int device);
/// Runs everything that is queued on the current device.
cudaError_t cudaDeviceSynchronize();
/// Of the current device, in bytes.
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total);

namespace isobath::emulated {

int current_device();

}  // namespace isobath::emulated
