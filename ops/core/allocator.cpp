#include "ops/core/allocator.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <new>
#include <utility>

#include "ops/core/device_memory.hpp"

namespace isobath {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kGranule = 512;

// A block may serve a request of at least 7/8 of its size: ragged routes then reuse each other's blocks at little
// waste.
constexpr std::size_t fits(std::size_t capacity) { return capacity - capacity / 8; }

class Cache {
 public:
  ~Cache() { trim(); }

  std::pair<void*, std::size_t> take(Device device, std::size_t bytes) {
    const std::size_t wanted = (bytes + kGranule - 1) / kGranule * kGranule;
    AllocatorStats& stats = stats_[index(device.kind)];
    auto& free = free_[index(device.kind)];
    const auto found = free.lower_bound({device.index, wanted});
    std::size_t capacity = wanted;
    void* data = nullptr;
    if (found != free.end() && found->first.first == device.index && fits(found->first.second) <= wanted) {
      capacity = found->first.second;
      data = found->second;
      free.erase(found);
      stats.bytes_cached -= static_cast<std::int64_t>(capacity);
    } else {
      data = obtain(device, capacity);
      ++stats.blocks_created;
    }
    stats.bytes_in_use += static_cast<std::int64_t>(capacity);
    stats.bytes_peak = std::max(stats.bytes_peak, stats.bytes_in_use);
    return {data, capacity};
  }

  void give(Device device, void* data, std::size_t capacity) noexcept {
    AllocatorStats& stats = stats_[index(device.kind)];
    stats.bytes_in_use -= static_cast<std::int64_t>(capacity);
    try {
      free_[index(device.kind)].emplace(std::pair{device.index, capacity}, data);
      stats.bytes_cached += static_cast<std::int64_t>(capacity);
    } catch (const std::bad_alloc&) {  // no room for the cache's own note: the system gets the block instead
      return_block(device, data);
    }
  }

  void trim() noexcept {
    for (std::size_t kind = 0; kind < free_.size(); ++kind) {
      for (auto& [key, data] : free_[kind]) return_block({static_cast<DeviceKind>(kind), key.first}, data);
      free_[kind].clear();
      stats_[kind].bytes_cached = 0;
    }
  }

  AllocatorStats& stats(DeviceKind kind) { return stats_[index(kind)]; }

 private:
  static std::size_t index(DeviceKind kind) { return static_cast<std::size_t>(kind); }

  static void* obtain(Device device, std::size_t bytes) {
    if (device.is_meta()) return nullptr;
    if (device.is_cuda()) return cuda_allocate(device, bytes);
    return ::operator new (bytes, std::align_val_t{kAlignment});
  }
  static void return_block(Device device, void* data) noexcept {
    if (device.is_cuda()) return cuda_release(device, data);
    if (device.is_cpu()) ::operator delete (data, std::align_val_t{kAlignment});
  }

  std::array<std::multimap<std::pair<int, std::size_t>, void*>, 3> free_;
  std::array<AllocatorStats, 3> stats_;
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

Block::Block(Device device, std::size_t bytes) : device_(device), bytes_(bytes) {
  if (bytes == 0) return;
  const auto [data, capacity] = cache().take(device, bytes);
  data_ = data;
  capacity_ = capacity;
}

Block::~Block() { release(); }

Block::Block(Block&& other) noexcept
    : device_(other.device_),
      data_(std::exchange(other.data_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

Block& Block::operator=(Block&& other) noexcept {
  if (this != &other) {
    release();
    device_ = other.device_;
    data_ = std::exchange(other.data_, nullptr);
    bytes_ = std::exchange(other.bytes_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
  }
  return *this;
}

void Block::release() noexcept {
  if (capacity_ != 0) cache().give(device_, data_, capacity_);
  capacity_ = 0;
}

}  // namespace isobath
