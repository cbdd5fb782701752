#pragma once
// A keyed order of 0 .. count - 1 of which any element can be asked for at once: nothing is shuffled, nothing stored.

#include <array>
#include <cstdint>

namespace isobath {

/// A Feistel network on the smallest 4^h >= count numbers (Luby and Rackoff 1988; four rounds suffice for a random
/// round function, eight are taken here because `mix` of few bits is not one), walked until it lands inside [0, count)
/// (Black and Rogaway 2002, "cycle walking"): under four steps on average. A bijection for every key.
class Permutation {
 public:
  /// count >= 1.
  Permutation(std::int64_t count, std::uint64_t key);

  /// Where `index` goes; both in [0, count).
  std::int64_t operator()(std::int64_t index) const;

 private:
  static constexpr int kRounds = 8;

  std::uint64_t encrypt(std::uint64_t word) const;

  std::uint64_t count_;
  int half_bits_ = 1;
  std::array<std::uint64_t, kRounds> round_keys_{};
};

}  // namespace isobath
