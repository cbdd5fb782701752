#pragma once
// Memory of CUDA devices, behind a few functions: a build without CUDA links no_cuda.cpp, which throws.

#include <cstddef>
#include <memory>
#include <string>

#include "ops/core/device.hpp"
#include "ops/core/queue.hpp"

namespace isobath {

enum class CopyKind { HostToDevice, DeviceToHost, DeviceToDevice };

/// Whether the calling thread records (ops/core/device_graph.hpp); false in a build without CUDA.
bool cuda_is_recording() noexcept;
/// Memory for what `queue` is given from now on. While the calling thread records, the memory is there before what is
/// recorded can run; the host waits for that, which is counted. Throws BackendError in a build without CUDA,
/// std::bad_alloc when the device is full.
void* cuda_allocate(CudaQueue queue, std::size_t bytes);
/// Gives memory back behind what `queue` holds now. Does not wait.
void cuda_release(CudaQueue queue, void* data) noexcept;
/// Gives memory back when everything on the device has run; waits for that, which is counted.
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

/// Copies on the current queue of `device`. Memory of the host that is copied from may change or go when the call
/// returns; for memory of the host that is copied to the call waits, which is counted (ops/core/host_waits.hpp).
void cuda_copy(Device device, void* to, const void* from, std::size_t bytes, CopyKind kind);
/// Blocks the host until all work on the current queue of `device` has run; the wait is counted.
void cuda_wait(Device device);
/// Sets every bit to zero on the current queue of `device`. Does not wait.
void cuda_set_zero(Device device, void* data, std::size_t bytes);
/// Devices that answer; 0 in a build without CUDA or on a machine without a driver.
int cuda_device_count();
/// What the device calls itself.
std::string cuda_device_name(Device device);
/// Why there is no device, in words for the user.
const char* cuda_status();

}  // namespace isobath
