#include "data/bpe/bpe_merger.hpp"

#include <algorithm>
#include <bit>

namespace isobath {
namespace {

// Up to here looking at every pair again costs less than a heap.
constexpr std::size_t kShort = 64;
constexpr std::int32_t kGone = -1;

}  // namespace

MergeTable::MergeTable(const std::vector<BpeMerge>& merges)
    : slots_(std::bit_ceil(std::max<std::size_t>(16, merges.size() * 2))), mask_(slots_.size() - 1) {
  for (std::size_t rank = 0; rank < merges.size(); ++rank) {
    const std::uint64_t pair = key(merges[rank].left, merges[rank].right);
    std::size_t slot = home(pair);
    while (slots_[slot].rank != kNever && slots_[slot].pair != pair) slot = (slot + 1) & mask_;
    if (slots_[slot].rank == kNever) slots_[slot] = {pair, static_cast<std::uint32_t>(rank), merges[rank].result};
  }
}

void BpeMerger::merge(std::string_view piece, std::vector<std::int32_t>& out) {
  symbols_.clear();
  for (const char byte : piece) symbols_.push_back(bytes_[static_cast<unsigned char>(byte)]);
  if (symbols_.size() <= kShort)
    merge_short(out);
  else
    merge_long(out);
}

void BpeMerger::merge_short(std::vector<std::int32_t>& out) {
  std::size_t count = symbols_.size();
  const auto rank_at = [&](std::size_t i) {
    return i + 1 < count ? table_.find(symbols_[i], symbols_[i + 1]).rank : MergeTable::kNever;
  };
  ranks_.resize(count);
  for (std::size_t i = 0; i < count; ++i) ranks_[i] = rank_at(i);
  while (count > 1) {
    const auto end = ranks_.begin() + static_cast<std::ptrdiff_t>(count);
    const auto best = static_cast<std::size_t>(std::min_element(ranks_.begin(), end) - ranks_.begin());
    if (ranks_[best] == MergeTable::kNever) break;
    symbols_[best] = table_.find(symbols_[best], symbols_[best + 1]).result;
    for (std::size_t i = best + 1; i + 1 < count; ++i) {
      symbols_[i] = symbols_[i + 1];
      ranks_[i] = ranks_[i + 1];
    }
    --count;
    ranks_[best] = rank_at(best);
    if (best > 0) ranks_[best - 1] = rank_at(best - 1);
  }
  out.insert(out.end(), symbols_.begin(), symbols_.begin() + static_cast<std::ptrdiff_t>(count));
}

void BpeMerger::propose(std::int32_t place) {
  const std::int32_t next = next_[static_cast<std::size_t>(place)];
  if (next < 0) return;
  const std::int32_t left = symbols_[static_cast<std::size_t>(place)], right = symbols_[static_cast<std::size_t>(next)];
  const MergeTable::Entry& entry = table_.find(left, right);
  if (entry.rank == MergeTable::kNever) return;
  heap_.push_back({entry.rank, static_cast<std::uint32_t>(place), left, right});
  std::push_heap(heap_.begin(), heap_.end(), [](const Candidate& a, const Candidate& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.place > b.place;
  });
}

// A candidate whose symbols have changed since it was proposed is out of date and is passed over.
void BpeMerger::merge_long(std::vector<std::int32_t>& out) {
  const auto count = static_cast<std::int32_t>(symbols_.size());
  previous_.resize(symbols_.size());
  next_.resize(symbols_.size());
  heap_.clear();
  for (std::int32_t i = 0; i < count; ++i) {
    previous_[static_cast<std::size_t>(i)] = i - 1;
    next_[static_cast<std::size_t>(i)] = i + 1 < count ? i + 1 : -1;
  }
  for (std::int32_t i = 0; i < count; ++i) propose(i);
  while (!heap_.empty()) {
    std::pop_heap(heap_.begin(), heap_.end(), [](const Candidate& a, const Candidate& b) {
      return a.rank != b.rank ? a.rank > b.rank : a.place > b.place;
    });
    const Candidate best = heap_.back();
    heap_.pop_back();
    const std::size_t place = best.place;
    const std::int32_t next = next_[place];
    if (symbols_[place] != best.left || next < 0 || symbols_[static_cast<std::size_t>(next)] != best.right) continue;
    symbols_[place] = table_.find(best.left, best.right).result;
    symbols_[static_cast<std::size_t>(next)] = kGone;
    next_[place] = next_[static_cast<std::size_t>(next)];
    if (next_[place] >= 0) previous_[static_cast<std::size_t>(next_[place])] = static_cast<std::int32_t>(place);
    propose(static_cast<std::int32_t>(place));
    if (previous_[place] >= 0) propose(previous_[place]);
  }
  for (const std::int32_t symbol : symbols_)
    if (symbol != kGone) out.push_back(symbol);
}

}  // namespace isobath
