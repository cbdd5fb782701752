#pragma once
// The state of BPE training: distinct words as lists of symbols, and how often each pair of neighbours occurs in them.

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace isobath {

class PairCounts {
 public:
  struct Pair {
    std::int32_t left = 0, right = 0;
  };

  /// Adds a word of bytes that occurs `count` times; its symbols are the bytes' values.
  void add(const std::string& word, std::int64_t count);
  /// Call it once, behind the last add().
  void start();

  /// The pair that occurs most often, of equal ones the one with the lower numbers; nothing when none occurs twice.
  std::optional<Pair> most_frequent();
  /// Puts `symbol` wherever the pair stands, in each word from the left, and counts what changed.
  void merge(Pair pair, std::int32_t symbol);

 private:
  struct Word {
    std::vector<std::int32_t> symbols;
    std::int64_t count = 0;
  };
  struct Candidate {
    std::int64_t count = 0;
    std::uint64_t pair = 0;
    bool operator<(const Candidate& other) const {
      return count != other.count ? count < other.count : pair > other.pair;
    }
  };
  struct Occurrences {
    std::int64_t count = 0;
    std::vector<std::uint32_t> words;  // that had the pair once; a word may be there twice, or have lost it
  };

  static std::uint64_t key(std::int32_t left, std::int32_t right) {
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 | static_cast<std::uint32_t>(right);
  }
  void change(std::int32_t left, std::int32_t right, std::int64_t by, std::uint32_t word);
  void merge_in(std::uint32_t index, Pair pair, std::int32_t symbol);

  std::vector<Word> words_;
  std::unordered_map<std::uint64_t, Occurrences> pairs_;
  std::vector<Candidate> heap_;         // counts may be out of date: most_frequent() corrects them
  std::vector<std::uint64_t> changed_;  // pairs whose count rose in the merge at hand
};

}  // namespace isobath
