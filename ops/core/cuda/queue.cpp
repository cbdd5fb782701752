// The queue that kernels of a thread use on each device, and the memory behind ops/core/device_memory.hpp.

#include "ops/core/queue.hpp"

#include <map>
#include <new>

#include "ops/core/cuda/check.hpp"
#include "ops/core/cuda/stream.hpp"
#include "ops/core/device_memory.hpp"

namespace isobath {
namespace {

// One stream per device and thread: ranks that run as threads do not order each other.
const cuda::Stream& stream_on(Device device) {
  thread_local std::map<int, cuda::Stream> streams;
  cuda::check(cudaSetDevice(device.index), "cudaSetDevice");
  return streams[device.index];
}

cudaMemcpyKind runtime_kind(CopyKind kind) {
  switch (kind) {
    case CopyKind::HostToDevice:
      return cudaMemcpyHostToDevice;
    case CopyKind::DeviceToHost:
      return cudaMemcpyDeviceToHost;
    case CopyKind::DeviceToDevice:
      return cudaMemcpyDeviceToDevice;
  }
  throw InternalError("copy of an unknown kind");
}

}  // namespace

CudaQueue current_cuda_queue(Device device) { return stream_on(device).queue(); }

void* cuda_allocate(Device device, std::size_t bytes) {
  cuda::check(cudaSetDevice(device.index), "cudaSetDevice");
  void* data = nullptr;
  const cudaError_t error = cudaMalloc(&data, bytes);
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // it is reported here and now, by an exception that callers of any allocator expect
    throw std::bad_alloc();
  }
  cuda::check(error, "cudaMalloc");
  return data;
}

void cuda_release(Device, void* data) noexcept { cuda::check_or_log(cudaFree(data), "cudaFree"); }

void cuda_copy(Device device, void* to, const void* from, std::size_t bytes, CopyKind kind) {
  const cuda::Stream& stream = stream_on(device);
  cuda::check(cudaMemcpyAsync(to, from, bytes, runtime_kind(kind), cuda::stream_of(stream.queue())), "cudaMemcpyAsync");
  stream.wait();
}

}  // namespace isobath
