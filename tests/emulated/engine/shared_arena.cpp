#include "tests/emulated/engine/shared_arena.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <string>

#include <sys/mman.h>

#include "tests/emulated/engine/fault.hpp"
#include "tests/emulated/engine/sanitizers.hpp"

namespace isobath::emulated {
namespace {

constexpr std::size_t kAlignment = 128;
constexpr std::size_t kFence = 1024;
// Every piece is rounded up to the alignment and fenced; 64 pieces of any size fit beside the two limits.
constexpr std::size_t kBytes =
    SharedArena::kStaticLimit + SharedArena::kDynamicLimit + 64 * (kAlignment + kFence) + kFence;
constexpr std::uint16_t kHalf = 0x7fe1;

bool is_poisoned(const std::byte* data, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; i += sizeof(kHalf))
    if (std::memcmp(data + i, &kHalf, std::min(sizeof(kHalf), bytes - i)) != 0) return false;
  return true;
}

}  // namespace

void poison(void* data, std::size_t bytes) {
  auto* const out = static_cast<std::byte*>(data);
  for (std::size_t i = 0; i < bytes; i += sizeof(kHalf))
    std::memcpy(out + i, &kHalf, std::min(sizeof(kHalf), bytes - i));
}

SharedArena::SharedArena() {
  void* const mapping = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) throw std::bad_alloc();
  memory_ = static_cast<std::byte*>(mapping);
  forbid(memory_, kBytes);
}

SharedArena::~SharedArena() {
  permit(memory_, kBytes);
  munmap(memory_, kBytes);
}

void SharedArena::begin_block(std::size_t dynamic_bytes) {
  forbid(memory_, used_);
  renew(memory_, used_);
  used_ = static_bytes_ = 0;
  pieces_.clear();
  fences_.clear();
  dynamic_ = dynamic_bytes == 0 ? nullptr : take(dynamic_bytes);
}

void SharedArena::end_block() const {
  for (const Fence& fence : fences_)
    if (!is_poisoned(fence.begin, fence.bytes))
      throw Fault("a block wrote beyond the " + std::to_string(fence.piece_bytes) + " bytes of its shared memory");
}

std::byte* SharedArena::take(std::size_t bytes) {
  const std::size_t whole = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  if (used_ + whole + 2 * kFence > kBytes) throw Fault("a block uses more shared memory than an H100 has");
  std::byte* const data = memory_ + used_ + kFence;
  used_ += kFence + whole;
  permit(data, bytes);
  poison(data, bytes);
  if constexpr (!kHasAsan) {
    const std::size_t behind = whole - bytes + kFence;
    poison(data + bytes, behind);
    fences_.push_back({data + bytes, behind, bytes});
  }
  return data;
}

void* SharedArena::piece(const void* key, std::size_t bytes) {
  for (const Piece& piece : pieces_)
    if (piece.key == key) return piece.data;
  static_bytes_ += bytes;
  if (static_bytes_ > kStaticLimit)
    throw Fault("a block uses " + std::to_string(static_bytes_) + " bytes of static shared memory; the limit is " +
                std::to_string(kStaticLimit));
  pieces_.push_back({key, take(bytes)});
  return pieces_.back().data;
}

void* SharedArena::dynamic() {
  if (dynamic_ == nullptr) throw Fault("dynamic shared memory used, but the launch asked for 0 bytes of it");
  return dynamic_;
}

}  // namespace isobath::emulated
