#include "ops/core/allocator.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <exception>
#include <map>
#include <new>
#include <utility>

#include <sys/mman.h>

#include "ops/core/device_memory.hpp"

namespace isobath {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

// AddressSanitizer knows where a block ends, not where the tensor in it does: under it both are one.
#ifdef __SANITIZE_ADDRESS__
constexpr bool kEndsWithItsTensor = true;
#else
constexpr bool kEndsWithItsTensor = false;
#endif
constexpr std::size_t kGranule = kEndsWithItsTensor ? 1 : 512;

// A block may serve a request of at least 7/8 of its size: ragged routes then reuse each other's blocks at little
// waste.
constexpr std::size_t fits(std::size_t capacity) { return kEndsWithItsTensor ? capacity : capacity - capacity / 8; }

// A free block. On a CUDA device work on `queue` may use it at once, and after `marks`.
struct FreeBlock {
  void* data = nullptr;
  CudaQueue queue;
  std::vector<CudaMark> marks;  // in other queues
};

// Large blocks ask for huge pages where the kernel gives them on request: a step walks through gigabytes, and finding
// its small pages costs about a hundredth of it.
void* host_allocate(std::size_t bytes) {
  const bool is_large = bytes >= 2 * kHugePage;
  void* data = nullptr;
  if (posix_memalign(&data, is_large ? kHugePage : kAlignment, bytes) != 0) throw std::bad_alloc();
  if (is_large) madvise(data, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);  // a wish; refused, nothing is lost
  return data;
}

FreeBlock free_block(Device device, const Storage& storage) {
  FreeBlock out{storage.data, {}, {}};
  if (!device.is_cuda()) return out;
  out.queue = current_cuda_queue(device);
  if (storage.home != out.queue) out.marks.push_back(cuda_mark(device, storage.home));
  for (const CudaQueue other : storage.others)
    if (other != out.queue) out.marks.push_back(cuda_mark(device, other));
  return out;
}

void return_block(Device device, const FreeBlock& block) noexcept {
  if (device.is_cpu()) std::free(block.data);
  if (!device.is_cuda()) return;
  try {
    for (const CudaMark& mark : block.marks) cuda_order(mark, block.queue);
  } catch (const std::exception&) {  // without the order, only a wait tells that nobody uses it
    return cuda_release_waiting(device, block.data);
  }
  cuda_release(block.queue, block.data);
}

// Free blocks by index of their device and capacity.
using FreeBlocks = std::multimap<std::pair<int, std::size_t>, FreeBlock>;
constexpr std::size_t kKinds = 3;
constexpr std::size_t index(DeviceKind kind) { return static_cast<std::size_t>(kind); }

void return_blocks(std::array<FreeBlocks, kKinds>& all) noexcept {
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    for (const auto& [key, block] : all[kind]) return_block({static_cast<DeviceKind>(kind), key.first}, block);
    all[kind].clear();
  }
}

}  // namespace

struct MemoryPool::Blocks {
  std::array<FreeBlocks, kKinds> free;

  Blocks() = default;
  ~Blocks() { return_blocks(free); }
  Blocks(const Blocks&) = delete;
  Blocks& operator=(const Blocks&) = delete;
};

namespace {

using PoolPtr = std::shared_ptr<MemoryPool::Blocks>;

class Cache {
 public:
  ~Cache() { trim(); }

  Storage take(Device device, std::size_t bytes) {
    const std::size_t wanted = (bytes + kGranule - 1) / kGranule * kGranule;
    const CudaQueue queue = device.is_cuda() ? current_cuda_queue(device) : CudaQueue{};
    AllocatorStats& stats = stats_[index(device.kind)];
    FreeBlocks& free = blocks_of(pool, device.kind);
    const auto found = free.lower_bound({device.index, wanted});
    Storage out{nullptr, wanted, queue, {}, pool};
    if (found != free.end() && found->first.first == device.index && fits(found->first.second) <= wanted) {
      for (const CudaMark& mark : found->second.marks) cuda_order(mark, queue);
      out.capacity = found->first.second;
      out.data = found->second.data;
      free.erase(found);
      if (!pool) stats.bytes_cached -= static_cast<std::int64_t>(out.capacity);
    } else {
      out.data = obtain(device, queue, wanted);
      ++stats.blocks_created;
    }
    stats.bytes_in_use += static_cast<std::int64_t>(out.capacity);
    stats.bytes_peak = std::max(stats.bytes_peak, stats.bytes_in_use);
    return out;
  }

  void give(Device device, const Storage& storage) noexcept {
    AllocatorStats& stats = stats_[index(device.kind)];
    stats.bytes_in_use -= static_cast<std::int64_t>(storage.capacity);
    try {
      // In front of its equals: the block let go last is the one that caches still hold.
      FreeBlocks& free = blocks_of(storage.pool, device.kind);
      const std::pair key{device.index, storage.capacity};
      free.emplace_hint(free.lower_bound(key), key, free_block(device, storage));
      if (!storage.pool) stats.bytes_cached += static_cast<std::int64_t>(storage.capacity);
    } catch (const std::exception&) {  // no room for the cache's own note, or no event: the system gets the block
      if (device.is_cuda()) return cuda_release_waiting(device, storage.data);
      return_block(device, {storage.data, {}, {}});
    }
  }

  void trim() noexcept {
    return_blocks(free_);
    for (AllocatorStats& stats : stats_) stats.bytes_cached = 0;
  }

  AllocatorStats& stats(DeviceKind kind) { return stats_[index(kind)]; }

  PoolPtr pool;  // of which blocks are taken; null: this cache

 private:
  FreeBlocks& blocks_of(const PoolPtr& whose, DeviceKind kind) {
    return whose ? whose->free[index(kind)] : free_[index(kind)];
  }

  // A full device may have room in blocks that are kept for other sizes.
  void* obtain(Device device, CudaQueue queue, std::size_t bytes) {
    if (device.is_meta()) return nullptr;
    if (device.is_cpu()) return host_allocate(bytes);
    try {
      return cuda_allocate(queue, bytes);
    } catch (const std::bad_alloc&) {
      // A recording would give the blocks back each time it is repeated.
      if (stats_[index(device.kind)].bytes_cached == 0 || cuda_is_recording()) throw;
    }
    trim();
    return cuda_allocate(queue, bytes);
  }

  std::array<FreeBlocks, kKinds> free_;
  std::array<AllocatorStats, kKinds> stats_;
};

// Lives until its thread ends: tensors must not be kept in statics or in other thread-locals.
Cache& cache() {
  thread_local Cache instance;
  return instance;
}

}  // namespace

AllocatorStats allocator_stats(DeviceKind kind) { return cache().stats(kind); }

void reset_allocator_peak(DeviceKind kind) {
  AllocatorStats& stats = cache().stats(kind);
  stats.bytes_peak = stats.bytes_in_use;
}

void trim_allocator() { cache().trim(); }

MemoryPool::MemoryPool() : blocks_(std::make_shared<Blocks>()) {}

MemoryPool::Scope::Scope(const MemoryPool& pool) {
  require(cache().pool == nullptr, "two memory pools on one thread");
  cache().pool = pool.blocks_;
}
MemoryPool::Scope::~Scope() { cache().pool = nullptr; }

Block::Block(Device device, std::size_t bytes) : device_(device), bytes_(bytes) {
  if (bytes != 0) storage_ = cache().take(device, bytes);
}

Block::~Block() { release(); }

Block::Block(Block&& other) noexcept
    : device_(other.device_), storage_(std::exchange(other.storage_, {})), bytes_(std::exchange(other.bytes_, 0)) {}

Block& Block::operator=(Block&& other) noexcept {
  if (this != &other) {
    release();
    device_ = other.device_;
    storage_ = std::exchange(other.storage_, {});
    bytes_ = std::exchange(other.bytes_, 0);
  }
  return *this;
}

void Block::used_on(CudaQueue queue) {
  std::vector<CudaQueue>& others = storage_.others;
  if (queue != storage_.home && std::find(others.begin(), others.end(), queue) == others.end()) others.push_back(queue);
}

void Block::release() noexcept {
  if (storage_.capacity != 0) cache().give(device_, storage_);
  storage_ = {};
}

}  // namespace isobath
