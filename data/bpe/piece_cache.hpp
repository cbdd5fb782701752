#pragma once
// The tokens of pieces seen before: most words of a text were.

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ops/core/random.hpp"

namespace isobath {

/// A hash table with open addressing that grows to a bound and then starts over; for one thread.
class PieceCache {
 public:
  static constexpr std::size_t kLongest = 64;  ///< bytes of a piece worth remembering

  PieceCache() { clear(kFirstSlots); }

  static std::uint64_t hash(std::string_view piece) {
    std::uint64_t out = piece.size(), word = 0;
    std::size_t at = 0;
    for (; at + 8 <= piece.size(); at += 8) {
      std::memcpy(&word, piece.data() + at, 8);
      out = mix(out ^ word);
    }
    word = 0;
    for (; at < piece.size(); ++at) word = word << 8 | static_cast<unsigned char>(piece[at]);
    return mix(out ^ word);
  }
  /// Appends the tokens of `piece` if they are known.
  bool append_known(std::string_view piece, std::uint64_t hash, std::vector<std::int32_t>& out) const {
    for (std::size_t at = hash & mask_; slots_[at].bytes != 0; at = (at + 1) & mask_) {
      const Slot& slot = slots_[at];
      if (slot.tag != tag_of(hash) || slot.bytes != piece.size()) continue;
      if (std::memcmp(texts_.data() + slot.text, piece.data(), piece.size()) != 0) continue;
      if (slot.tokens == 1) {
        out.push_back(static_cast<std::int32_t>(slot.first));
      } else {
        const auto first = tokens_.begin() + static_cast<std::ptrdiff_t>(slot.first);
        out.insert(out.end(), first, first + slot.tokens);
      }
      return true;
    }
    return false;
  }
  void remember(std::string_view piece, std::uint64_t hash, std::span<const std::int32_t> tokens);

 private:
  static constexpr std::size_t kFirstSlots = 1 << 10, kMostSlots = 1 << 18;

  struct Slot {
    std::uint32_t tag = 0;    // of the hash
    std::uint32_t text = 0;   // where its bytes are
    std::uint32_t first = 0;  // where its tokens are; the token itself if there is one
    std::uint16_t bytes = 0;  // 0: free
    std::uint16_t tokens = 0;
  };

  static std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }
  void clear(std::size_t slots);
  void grow();

  std::vector<Slot> slots_;
  std::size_t mask_ = 0, used_ = 0;
  std::string texts_;
  std::vector<std::int32_t> tokens_;
};

}  // namespace isobath
