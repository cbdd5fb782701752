#pragma once
// The merges of one piece.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "data/bpe/bpe_vocabulary.hpp"

namespace isobath {

/// Which merge joins two neighbours: a hash table with open addressing, made once.
class MergeTable {
 public:
  static constexpr std::uint32_t kNever = 0xFFFFFFFFU;  ///< rank of a pair that is not joined

  struct Entry {
    std::uint64_t pair = ~std::uint64_t{0};
    std::uint32_t rank = kNever;
    std::int32_t result = 0;
  };

  explicit MergeTable(const std::vector<BpeMerge>& merges);
  /// Its rank is kNever when nothing joins the two.
  const Entry& find(std::int32_t left, std::int32_t right) const {
    const std::uint64_t pair = key(left, right);
    std::size_t slot = home(pair);
    while (slots_[slot].rank != kNever && slots_[slot].pair != pair) slot = (slot + 1) & mask_;
    return slots_[slot];
  }

 private:
  static std::uint64_t key(std::int32_t left, std::int32_t right) {
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 | static_cast<std::uint32_t>(right);
  }
  std::size_t home(std::uint64_t pair) const { return (pair * 0x9E3779B97F4A7C15ull >> 20) & mask_; }

  std::vector<Entry> slots_;
  std::size_t mask_ = 0;
};

/// Joins the bytes of pieces to tokens; for one thread, as it keeps its scratch memory.
class BpeMerger {
 public:
  /// Both outlive it. `bytes`: the token of each byte.
  BpeMerger(const MergeTable& table, const std::vector<std::int32_t>& bytes) : table_(table), bytes_(bytes) {}

  /// Appends the tokens of `piece`: the merge of the lowest rank first, of equal ones the leftmost, until none is left.
  /// n log n steps for n bytes.
  void merge(std::string_view piece, std::vector<std::int32_t>& out);

 private:
  struct Candidate {
    std::uint32_t rank, place;
    std::int32_t left, right;
  };

  void merge_short(std::vector<std::int32_t>& out);
  void merge_long(std::vector<std::int32_t>& out);
  void propose(std::int32_t place);

  const MergeTable& table_;
  const std::vector<std::int32_t>& bytes_;
  std::vector<std::int32_t> symbols_;
  std::vector<std::uint32_t> ranks_;           // of each symbol with the next one
  std::vector<std::int32_t> previous_, next_;  // places of the neighbours; -1: none
  std::vector<Candidate> heap_;                // the lowest rank on top
};

}  // namespace isobath
