#include "ops/core/cuda/staging.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>

#include "ops/core/cuda/check.hpp"
#include "ops/core/cuda/pinned.hpp"
#include "ops/core/cuda/recording.hpp"
#include "ops/core/cuda/stream.hpp"
#include "ops/core/device_memory.hpp"

namespace isobath::cuda {
namespace {

constexpr std::size_t kSmallest = 512, kLargest = std::size_t{4} << 20;  // of a block; both powers of two

// Blocks of one size are made until they hold so much; only then is a block looked at that was used before. A look
// costs a call, and under the emulation it moves work on that a missing order should leave behind.
constexpr std::size_t kUnasked = std::size_t{64} << 10;

struct PinnedBlock {
  PinnedMemory data;
  Event read = Event();  // when the device has read it
};

// The blocks of one device, each size from the one used longest ago to the one used last.
class Staging {
 public:
  // Lives as long as the process: at its end the driver may be gone, and copies of a thread outlive the thread.
  static Staging& of_current_device() {
    static std::mutex& mutex = *new std::mutex;
    static auto& all = *new std::map<int, Staging>;
    const std::lock_guard lock(mutex);
    return all[current_device().index];
  }

  void upload(CudaQueue queue, void* to, const void* from, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    const std::size_t size = std::max(std::bit_ceil(bytes), kSmallest);
    PinnedBlock block = take(size);
    std::memcpy(block.data.get(), from, bytes);
    check(cudaMemcpyAsync(to, block.data.get(), bytes, cudaMemcpyHostToDevice, stream_of(queue)), "cudaMemcpyAsync");
    block.read.record(queue);
    blocks_[size].push_back(std::move(block));
  }

  std::size_t bytes() {
    const std::lock_guard lock(mutex_);
    return bytes_;
  }

 private:
  PinnedBlock take(std::size_t size) {
    std::deque<PinnedBlock>& used = blocks_[size];
    const bool is_full = bytes_ + size > kMostStaged && !used.empty();
    if (is_full) used.front().read.wait();
    if (is_full || (used.size() * size >= kUnasked && used.front().read.passed())) {
      PinnedBlock block = std::move(used.front());
      used.pop_front();
      return block;
    }
    PinnedBlock block{make_pinned(size)};
    bytes_ += size;
    return block;
  }

  std::mutex mutex_;
  std::map<std::size_t, std::deque<PinnedBlock>> blocks_;  // by their size
  std::size_t bytes_ = 0;
};

}  // namespace

void upload(CudaQueue queue, void* to, const void* from, std::size_t bytes) {
  if (cuda_is_recording()) return record_upload(queue, to, from, bytes);
  Staging& staging = Staging::of_current_device();
  for (std::size_t begin = 0; begin < bytes; begin += kLargest)
    staging.upload(queue, static_cast<std::byte*>(to) + begin, static_cast<const std::byte*>(from) + begin,
                   std::min(kLargest, bytes - begin));
}

std::size_t staged_bytes() { return Staging::of_current_device().bytes(); }

}  // namespace isobath::cuda
