#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace isobath {

/// A copy of the bytes that one rank is about to write. The memory is kept from one save to the next, so that taking a
/// copy costs no more than copying.
class Snapshot {
 public:
  /// Makes room for `bytes`, resident at once.
  void reserve(std::size_t bytes);
  /// Copies the pieces, with all kernel threads of the caller.
  void take(std::span<const std::span<const std::byte>> pieces);
  /// The copies, in the same order.
  const std::vector<std::span<const std::byte>>& pieces() const { return pieces_; }

 private:
  void copy_between(std::span<const std::byte> from, std::span<const std::byte> copy, std::int64_t begin,
                    std::int64_t end);

  std::unique_ptr<std::byte[]> memory_;
  std::size_t capacity_ = 0;
  std::vector<std::span<const std::byte>> pieces_;
};

std::size_t total_bytes(std::span<const std::span<const std::byte>> pieces);

}  // namespace isobath
