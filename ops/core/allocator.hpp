#pragma once
// A caching allocator for tensor storage: freed blocks are kept by size and handed out again, so that a steady training
// step asks the system for nothing. The cache belongs to the calling thread: ranks that run as threads share no state.
//
// A block of a CUDA device belongs to a queue, that of the thread that asked for it: work on this queue may use it, and
// when its owner lets it go, it goes at once to later work of the same queue. To another queue it goes behind an event
// in the first one. The host never waits. Who lets other queues use a block says so with used_on().

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "ops/core/device.hpp"
#include "ops/core/queue.hpp"

namespace isobath {

/// What the allocator of this thread has done on one kind of device, in bytes and blocks.
struct AllocatorStats {
  std::int64_t bytes_in_use = 0;    ///< sum of the live blocks
  std::int64_t bytes_peak = 0;      ///< highest bytes_in_use since the last reset_peak
  std::int64_t bytes_cached = 0;    ///< free blocks kept for reuse, those of pools aside
  std::int64_t blocks_created = 0;  ///< blocks asked from the system, ever
};

AllocatorStats allocator_stats(DeviceKind kind);
void reset_allocator_peak(DeviceKind kind);
/// Gives every cached free block of this thread back to the system.
void trim_allocator();

/// Blocks apart from the cache of their thread: what is let go is kept for the pool alone, so that work which names it
/// may run again (ops/core/device_graph.hpp). Of one thread, which frees what it took. The memory goes back to the
/// system when the pool has gone and with it every block taken from it.
class MemoryPool {
 public:
  struct Blocks;
  MemoryPool();

  /// Blocks that this thread makes come from the pool. Scopes do not nest.
  class Scope {
   public:
    explicit Scope(const MemoryPool& pool);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
  };

 private:
  std::shared_ptr<Blocks> blocks_;
};

/// Memory, and which queues of a CUDA device may be using it.
struct Storage {
  void* data = nullptr;
  std::size_t capacity = 0;  // bytes
  CudaQueue home;
  std::vector<CudaQueue> others;
  std::shared_ptr<MemoryPool::Blocks> pool;  // null: that of the thread
};

/// One block of storage with one owner. `data()` is null on the meta device and for zero bytes; CPU blocks are 64-byte
/// aligned. The memory is not initialised. Throws std::bad_alloc when the system has none.
class Block {
 public:
  Block() = default;
  Block(Device device, std::size_t bytes);
  ~Block();
  Block(Block&& other) noexcept;
  Block& operator=(Block&& other) noexcept;
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  void* data() const noexcept { return storage_.data; }
  std::size_t bytes() const noexcept { return bytes_; }
  Device device() const noexcept { return device_; }

  /// Work on `queue`, of the block's device, uses this block too. To be called by one thread at a time; ordering that
  /// work behind what fills the block is the caller's affair.
  void used_on(CudaQueue queue);

 private:
  void release() noexcept;

  Device device_;
  Storage storage_;
  std::size_t bytes_ = 0;  // as asked for
};

}  // namespace isobath
