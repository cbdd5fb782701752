// The queue that kernels of a thread use on each device, and the copies on it.

#include "ops/core/queue.hpp"

#include <map>
#include <mutex>
#include <vector>

#include "ops/core/cuda/check.hpp"
#include "ops/core/cuda/staging.hpp"
#include "ops/core/cuda/stream.hpp"
#include "ops/core/device_memory.hpp"
#include "ops/core/log.hpp"

namespace isobath {
namespace {

using StreamPtr = std::unique_ptr<cuda::Stream>;

// Streams that no thread uses now. A stream outlives its thread, because memory that the thread handed to others, or
// left behind, may be in use by work that is still queued; the next thread goes on behind that work. The pool lives as
// long as the process: at its end the driver may be gone before any destructor.
class IdleStreams {
 public:
  static IdleStreams& all() {
    static IdleStreams& instance = *new IdleStreams;
    return instance;
  }

  StreamPtr take(int device) {
    const std::lock_guard lock(mutex_);
    std::vector<StreamPtr>& idle = idle_[device];
    if (idle.empty()) return std::make_unique<cuda::Stream>();
    StreamPtr out = std::move(idle.back());
    idle.pop_back();
    return out;
  }
  void give(int device, StreamPtr stream) {
    const std::lock_guard lock(mutex_);
    idle_[device].push_back(std::move(stream));
  }

 private:
  std::mutex mutex_;
  std::map<int, std::vector<StreamPtr>> idle_;
};

// One stream per device and thread: ranks that run as threads do not order each other.
class ThreadStreams {
 public:
  ThreadStreams() = default;
  ~ThreadStreams() {
    for (auto& [device, stream] : streams_) try {
        IdleStreams::all().give(device, std::move(stream));
      } catch (const std::bad_alloc&) {
        log(LogLevel::Error, "no memory to keep a CUDA stream");
      }
  }
  ThreadStreams(const ThreadStreams&) = delete;
  ThreadStreams& operator=(const ThreadStreams&) = delete;

  const cuda::Stream& on(int device) {
    StreamPtr& stream = streams_[device];
    if (!stream) stream = IdleStreams::all().take(device);
    return *stream;
  }

 private:
  std::map<int, StreamPtr> streams_;
};

const cuda::Stream& stream_on(Device device) {
  thread_local ThreadStreams streams;
  cuda::check(cudaSetDevice(device.index), "cudaSetDevice");
  return streams.on(device.index);
}

}  // namespace

CudaQueue current_cuda_queue(Device device) { return stream_on(device).queue(); }

void cuda_copy(Device device, void* to, const void* from, std::size_t bytes, CopyKind kind) {
  const cuda::Stream& stream = stream_on(device);
  if (kind == CopyKind::HostToDevice) return cuda::upload(stream.queue(), to, from, bytes);
  cuda::check(cudaMemcpyAsync(to, from, bytes,
                              kind == CopyKind::DeviceToHost ? cudaMemcpyDeviceToHost : cudaMemcpyDeviceToDevice,
                              cuda::stream_of(stream.queue())),
              "cudaMemcpyAsync");
  if (kind == CopyKind::DeviceToHost) stream.wait();
}

void cuda_wait(Device device) { stream_on(device).wait(); }

void cuda_set_zero(Device device, void* data, std::size_t bytes) {
  cuda::check(cudaMemsetAsync(data, 0, bytes, cuda::stream_of(current_cuda_queue(device))), "cudaMemsetAsync");
}

}  // namespace isobath
