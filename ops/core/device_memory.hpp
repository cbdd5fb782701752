#pragma once
// Memory of CUDA devices, behind two functions: a build without CUDA links no_cuda.cpp, which throws.

#include <cstddef>

#include "ops/core/device.hpp"

namespace isobath {

enum class CopyKind { HostToDevice, DeviceToHost, DeviceToDevice };

/// Throws BackendError in a build without CUDA, std::bad_alloc when the device is full.
void* cuda_allocate(Device device, std::size_t bytes);
void cuda_release(Device device, void* data) noexcept;
/// Copies on the current queue of `device` and waits for it; the wait is counted (ops/core/host_waits.hpp).
void cuda_copy(Device device, void* to, const void* from, std::size_t bytes, CopyKind kind);
/// Devices that answer; 0 in a build without CUDA or on a machine without a driver.
int cuda_device_count();
/// Why there is no device, in words for the user.
const char* cuda_status();

}  // namespace isobath
