#include "tests/emulated/api/memory.hpp"

#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <new>

#include "tests/emulated/engine/shared_arena.hpp"

namespace {

using isobath::emulated::report;

constexpr std::size_t kDeviceBytes = std::size_t{80} << 30;
constexpr std::align_val_t kAlignment{256};  // what cudaMalloc promises

class DeviceMemory {
 public:
  void* allocate(std::size_t bytes) {
    if (bytes > kDeviceBytes) return nullptr;
    void* const data = ::operator new(bytes, kAlignment, std::nothrow);
    if (data == nullptr) return nullptr;
    isobath::emulated::poison(data, bytes);
    const std::lock_guard lock(mutex_);
    pieces_.emplace(static_cast<std::byte*>(data), bytes);
    return data;
  }

  bool release(void* data) {
    {
      const std::lock_guard lock(mutex_);
      if (pieces_.erase(static_cast<std::byte*>(data)) == 0) return false;
    }
    ::operator delete(data, kAlignment);
    return true;
  }

  /// Whether [data, data + bytes) lies within one piece, or touches none.
  bool holds(const void* data, std::size_t bytes) { return overlap(data, bytes) == Overlap::Inside; }
  bool is_apart_from(const void* data, std::size_t bytes) { return overlap(data, bytes) == Overlap::None; }

 private:
  enum class Overlap { None, Inside, Across };

  Overlap overlap(const void* data, std::size_t bytes) {
    const auto* const begin = static_cast<const std::byte*>(data);
    const std::lock_guard lock(mutex_);
    auto next = pieces_.upper_bound(begin);
    if (next != pieces_.begin()) {
      const auto& [piece, size] = *std::prev(next);
      if (begin < piece + size) return begin + bytes <= piece + size ? Overlap::Inside : Overlap::Across;
    }
    return next != pieces_.end() && next->first < begin + bytes ? Overlap::Across : Overlap::None;
  }

  std::mutex mutex_;
  std::map<const std::byte*, std::size_t, std::less<>> pieces_;
};

DeviceMemory& memory() {
  static DeviceMemory instance;
  return instance;
}

bool ends_are_right(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  return (to_device ? memory().holds(to, bytes) : memory().is_apart_from(to, bytes)) &&
         (from_device ? memory().holds(from, bytes) : memory().is_apart_from(from, bytes));
}

}  // namespace

cudaError_t cudaMalloc(void** data, std::size_t bytes) {
  *data = bytes == 0 ? nullptr : memory().allocate(bytes);
  return report(*data == nullptr && bytes != 0 ? cudaErrorMemoryAllocation : cudaSuccess);
}

cudaError_t cudaFree(void* data) {
  if (data == nullptr) return cudaSuccess;
  return report(memory().release(data) ? cudaSuccess : cudaErrorInvalidValue);
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  if (bytes == 0) return cudaSuccess;
  if (!ends_are_right(to, from, bytes, kind)) return report(cudaErrorInvalidValue);
  return isobath::emulated::submit(stream, [=] { std::memmove(to, from, bytes); });
}

cudaError_t cudaMemsetAsync(void* data, int value, std::size_t bytes, cudaStream_t stream) {
  if (bytes == 0) return cudaSuccess;
  if (!memory().holds(data, bytes)) return report(cudaErrorInvalidValue);
  return isobath::emulated::submit(stream, [=] { std::memset(data, value, bytes); });
}

cudaError_t cudaHostAlloc(void** data, std::size_t bytes, unsigned flags) {
  if (flags != cudaHostAllocDefault) return report(cudaErrorInvalidValue);
  *data = ::operator new(bytes, kAlignment, std::nothrow);
  if (*data == nullptr) return report(cudaErrorMemoryAllocation);
  isobath::emulated::poison(*data, bytes);
  return cudaSuccess;
}

cudaError_t cudaFreeHost(void* data) {
  ::operator delete(data, kAlignment);
  return cudaSuccess;
}
