// The memory behind ops/core/device_memory.hpp: from the device's pool, in the order of streams.

#include <new>

#include "ops/core/cuda/check.hpp"
#include "ops/core/cuda/recording.hpp"
#include "ops/core/cuda/stream.hpp"
#include "ops/core/device_memory.hpp"
#include "ops/core/host_waits.hpp"

namespace isobath {
namespace {

// A stream in capture takes no allocation. One of another stream has no order with it but the host's wait.
void* allocate_beside_capture(std::size_t bytes) {
  const cuda::BesideCapture beside;
  const cuda::Stream stream;
  void* data = nullptr;
  const cudaError_t error = cudaMallocAsync(&data, bytes, cuda::stream_of(stream.queue()));
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    throw std::bad_alloc();
  }
  cuda::check(error, "cudaMallocAsync");
  stream.wait();
  return data;
}

}  // namespace

void* cuda_allocate(CudaQueue queue, std::size_t bytes) {
  if (cuda_is_recording()) return allocate_beside_capture(bytes);
  void* data = nullptr;
  const cudaError_t error = cudaMallocAsync(&data, bytes, cuda::stream_of(queue));
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // it is reported here and now, by an exception that callers of any allocator expect
    throw std::bad_alloc();
  }
  cuda::check(error, "cudaMallocAsync");
  return data;
}

void cuda_release(CudaQueue queue, void* data) noexcept {
  cuda::check_or_log(cudaFreeAsync(data, cuda::stream_of(queue)), "cudaFreeAsync");
}

void cuda_release_waiting(Device device, void* data) noexcept {
  cuda::check_or_log(cudaSetDevice(device.index), "cudaSetDevice");
  count_host_wait();
  cuda::check_or_log(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
  cuda::check_or_log(cudaFreeAsync(data, nullptr), "cudaFreeAsync");
}

void ForgetCudaMark::operator()(void* mark) const noexcept { delete static_cast<cuda::Event*>(mark); }

CudaMark cuda_mark(Device device, CudaQueue queue) {
  cuda::check(cudaSetDevice(device.index), "cudaSetDevice");
  auto event = std::make_unique<cuda::Event>();
  event->record(queue);
  return CudaMark(event.release());
}

void cuda_order(const CudaMark& mark, CudaQueue queue) { static_cast<const cuda::Event*>(mark.get())->before(queue); }

}  // namespace isobath
