#include "trainer/checkpoint/background/snapshot.hpp"

#include <cstring>

namespace isobath {

void Snapshot::reserve(std::size_t bytes) {
  if (bytes <= capacity_) return;
  pieces_.clear();
  memory_.reset();                                 // before the new one: there need not be room for both
  memory_ = std::make_unique<std::byte[]>(bytes);  // zeros: the pages are there when the first copy is taken
  capacity_ = bytes;
}

void Snapshot::take(std::span<const std::span<const std::byte>> pieces) {
  reserve(total_bytes(pieces));
  pieces_.clear();
  std::byte* next = memory_.get();
  for (const std::span<const std::byte> piece : pieces) {
    std::memcpy(next, piece.data(), piece.size());
    pieces_.emplace_back(next, piece.size());
    next += piece.size();
  }
}

std::size_t total_bytes(std::span<const std::span<const std::byte>> pieces) {
  std::size_t bytes = 0;
  for (const std::span<const std::byte> piece : pieces) bytes += piece.size();
  return bytes;
}

}  // namespace isobath
