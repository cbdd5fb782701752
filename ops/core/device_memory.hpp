#pragma once
// Memory of CUDA devices, behind a few functions: a build without CUDA links no_cuda.cpp, which throws.

#include <cstddef>
#include <memory>

#include "ops/core/device.hpp"
#include "ops/core/queue.hpp"

namespace isobath {

enum class CopyKind { HostToDevice, DeviceToHost, DeviceToDevice };

/// Memory for what `queue` is given from now on. Throws BackendError in a build without CUDA, std::bad_alloc when the
/// device is full.
void* cuda_allocate(CudaQueue queue, std::size_t bytes);
/// Gives memory back behind what `queue` holds now. Does not wait.
void cuda_release(CudaQueue queue, void* data) noexcept;
/// Gives memory back when everything on the device has run; waits for that.
void cuda_release_waiting(Device device, void* data) noexcept;

struct ForgetCudaMark {
  void operator()(void* mark) const noexcept;
};
/// A point in the work of a queue.
using CudaMark = std::unique_ptr<void, ForgetCudaMark>;

/// The point after everything that `queue`, of `device`, holds now.
CudaMark cuda_mark(Device device, CudaQueue queue);
/// What `queue` is given from now on runs after the mark. Costs the host nothing.
void cuda_order(const CudaMark& mark, CudaQueue queue);

/// Copies on the current queue of `device`. Where one end is the host's, waits for the copy; the wait is counted
/// (ops/core/host_waits.hpp).
void cuda_copy(Device device, void* to, const void* from, std::size_t bytes, CopyKind kind);
/// Sets every bit to zero on the current queue of `device`. Does not wait.
void cuda_set_zero(Device device, void* data, std::size_t bytes);
/// Devices that answer; 0 in a build without CUDA or on a machine without a driver.
int cuda_device_count();
/// Why there is no device, in words for the user.
const char* cuda_status();

}  // namespace isobath
