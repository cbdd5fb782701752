#include "data/bpe/piece_cache.hpp"

namespace isobath {

void PieceCache::clear(std::size_t slots) {
  slots_.assign(slots, Slot{});
  mask_ = slots - 1;
  used_ = 0;
  texts_.clear();
  tokens_.clear();
}

// Texts are hashed again: a slot keeps half of the hash only.
void PieceCache::grow() {
  if (slots_.size() == kMostSlots) return clear(kMostSlots);
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  mask_ = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.bytes == 0) continue;
    std::size_t at = hash({texts_.data() + slot.text, slot.bytes}) & mask_;
    while (slots_[at].bytes != 0) at = (at + 1) & mask_;
    slots_[at] = slot;
  }
}

void PieceCache::remember(std::string_view piece, std::uint64_t hash, std::span<const std::int32_t> tokens) {
  if (2 * (used_ + 1) > slots_.size()) grow();
  Slot slot{tag_of(hash), static_cast<std::uint32_t>(texts_.size()), 0, static_cast<std::uint16_t>(piece.size()),
            static_cast<std::uint16_t>(tokens.size())};
  texts_ += piece;
  slot.first = static_cast<std::uint32_t>(tokens.size() == 1 ? static_cast<std::size_t>(tokens[0]) : tokens_.size());
  if (tokens.size() != 1) tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  std::size_t at = hash & mask_;
  while (slots_[at].bytes != 0) at = (at + 1) & mask_;
  slots_[at] = slot;
  ++used_;
}

}  // namespace isobath
