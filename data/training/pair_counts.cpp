#include "data/training/pair_counts.hpp"

#include <algorithm>
#include <utility>

namespace isobath {

void PairCounts::add(const std::string& word, std::int64_t count) {
  Word added;
  for (const char byte : word) added.symbols.push_back(static_cast<unsigned char>(byte));
  added.count = count;
  words_.push_back(std::move(added));
}

void PairCounts::start() {
  for (std::uint32_t index = 0; index < words_.size(); ++index) {
    const Word& word = words_[index];
    for (std::size_t i = 0; i + 1 < word.symbols.size(); ++i)
      change(word.symbols[i], word.symbols[i + 1], word.count, index);
  }
  changed_.clear();
  for (const auto& [pair, occurrences] : pairs_) heap_.push_back({occurrences.count, pair});
  std::make_heap(heap_.begin(), heap_.end());
}

void PairCounts::change(std::int32_t left, std::int32_t right, std::int64_t by, std::uint32_t word) {
  Occurrences& occurrences = pairs_[key(left, right)];
  occurrences.count += by;
  if (by < 0) return;
  if (occurrences.words.empty() || occurrences.words.back() != word) occurrences.words.push_back(word);
  changed_.push_back(key(left, right));
}

std::optional<PairCounts::Pair> PairCounts::most_frequent() {
  while (!heap_.empty()) {
    const Candidate best = heap_.front();
    const auto found = pairs_.find(best.pair);
    const std::int64_t now = found == pairs_.end() ? 0 : found->second.count;
    if (now == best.count && now >= 2)
      return Pair{static_cast<std::int32_t>(best.pair >> 32), static_cast<std::int32_t>(best.pair & 0xFFFFFFFFU)};
    std::pop_heap(heap_.begin(), heap_.end());
    heap_.pop_back();
    if (now < 2 || now == best.count) continue;
    heap_.push_back({now, best.pair});
    std::push_heap(heap_.begin(), heap_.end());
  }
  return std::nullopt;
}

void PairCounts::merge(Pair pair, std::int32_t symbol) {
  const auto found = pairs_.find(key(pair.left, pair.right));
  if (found == pairs_.end()) return;
  const std::vector<std::uint32_t> words = std::move(found->second.words);
  pairs_.erase(found);
  changed_.clear();
  for (const std::uint32_t index : words) merge_in(index, pair, symbol);
  pairs_.erase(key(pair.left, pair.right));  // counting down what is gone has made it again
  std::sort(changed_.begin(), changed_.end());
  changed_.erase(std::unique(changed_.begin(), changed_.end()), changed_.end());
  for (const std::uint64_t raised : changed_) {
    const auto occurrences = pairs_.find(raised);
    if (occurrences == pairs_.end()) continue;
    heap_.push_back({occurrences->second.count, raised});
    std::push_heap(heap_.begin(), heap_.end());
  }
}

void PairCounts::merge_in(std::uint32_t index, Pair pair, std::int32_t symbol) {
  Word& word = words_[index];
  std::vector<std::int32_t>& symbols = word.symbols;
  std::size_t written = 0;
  for (std::size_t read = 0; read < symbols.size(); ++read) {
    const bool joins = symbols[read] == pair.left && read + 1 < symbols.size() && symbols[read + 1] == pair.right;
    if (!joins) {
      symbols[written++] = symbols[read];
      continue;
    }
    if (written > 0) {
      change(symbols[written - 1], pair.left, -word.count, index);
      change(symbols[written - 1], symbol, word.count, index);
    }
    if (read + 2 < symbols.size()) {
      change(pair.right, symbols[read + 2], -word.count, index);
      change(symbol, symbols[read + 2], word.count, index);
    }
    symbols[written++] = symbol;
    ++read;
  }
  symbols.resize(written);
}

}  // namespace isobath
