#pragma once
// One-thread kernels on streams of choice, and pinned memory to see what they did.

#include <thread>

#include "tests/emulated/checks/harness.hpp"

namespace isobath::emulated::test {

__global__ inline void set_kernel(int* value, int to) { *value = to; }
__global__ inline void add_kernel(int* value, int more) { *value += more; }

inline void set_on(CudaQueue queue, int* value, int to) {
  cuda::launch("set", &set_kernel, {.blocks = 1, .threads = 1}, queue, value, to);
}
inline void add_on(CudaQueue queue, int* value, int more) {
  cuda::launch("add", &add_kernel, {.blocks = 1, .threads = 1}, queue, value, more);
}
inline void set_to(const cuda::Stream& stream, int* value, int to) { set_on(stream.queue(), value, to); }
inline void add_to(const cuda::Stream& stream, int* value, int more) { add_on(stream.queue(), value, more); }

/// Pinned integers.
class HostInts {
 public:
  explicit HostInts(std::size_t count) : count_(count) {
    void* data = nullptr;
    cuda::check(cudaHostAlloc(&data, count * sizeof(int), cudaHostAllocDefault), "cudaHostAlloc");
    data_ = static_cast<int*>(data);
  }
  ~HostInts() {
    finish();
    cudaFreeHost(data_);
  }
  HostInts(const HostInts&) = delete;
  HostInts& operator=(const HostInts&) = delete;

  int* data() const { return data_; }
  int& operator[](std::size_t index) const { return data_[index]; }
  void copy_from(const cuda::Stream& stream, const int* device) const {
    cuda::check(
        cudaMemcpyAsync(data_, device, count_ * sizeof(int), cudaMemcpyDeviceToHost, cuda::stream_of(stream.queue())),
        "cudaMemcpyAsync");
  }

 private:
  std::size_t count_;
  int* data_;
};

/// A stream that the legacy default stream orders.
class BlockingStream {
 public:
  BlockingStream() { cuda::check(cudaStreamCreateWithFlags(&handle_, cudaStreamDefault), "cudaStreamCreateWithFlags"); }
  ~BlockingStream() { cudaStreamDestroy(handle_); }
  BlockingStream(const BlockingStream&) = delete;
  BlockingStream& operator=(const BlockingStream&) = delete;

  CudaQueue queue() const { return {handle_}; }

 private:
  cudaStream_t handle_ = nullptr;
};

}  // namespace isobath::emulated::test
