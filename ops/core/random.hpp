#pragma once
// Counter-based random numbers. A draw is a function of (seed, purpose, step, layer, global sample, position, channel),
// never of the rank, the world size or the order of calls, so a run can be cut up in any way and go on. Philox4x32-10:
// Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.

#include <array>
#include <cmath>
#include <cstdint>

namespace isobath {

enum class Purpose : std::uint32_t {
  Init = 1,
  Dropout = 2,
  Sampling = 3,
  Order = 4,
  Offset = 5,
  Routing = 6,
  Test = 7
};

constexpr std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  constexpr std::uint64_t kMultiplier0 = 0xD2511F53u, kMultiplier1 = 0xCD9E8D57u;
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9u, kWeyl1 = 0xBB67AE85u;
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = kMultiplier0 * counter[0], product1 = kMultiplier1 * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(product0)};
    key = {key[0] + kWeyl0, key[1] + kWeyl1};
  }
  return counter;
}

/// The finaliser of splitmix64: a bijection of 64-bit words whose output bits all depend on all input bits.
constexpr std::uint64_t mix(std::uint64_t word) {
  word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9ull;
  word = (word ^ (word >> 27)) * 0x94D049BB133111EBull;
  return word ^ (word >> 31);
}

/// The halves of a key, the lower one first.
constexpr std::array<std::uint32_t, 2> split_key(std::uint64_t word) {
  return {static_cast<std::uint32_t>(word), static_cast<std::uint32_t>(word >> 32)};
}

/// What a stream of draws is for; hashed into Philox's key.
struct RandomKey {
  std::uint64_t seed = 0;
  Purpose purpose = Purpose::Test;
  std::uint64_t step = 0;
  std::uint64_t layer = 0;  ///< or any other name of a place, e.g. the hash of a parameter's name

  /// Philox's key in one word, for places that hold keys as data; split_key() gives its halves.
  constexpr std::uint64_t word() const {
    std::uint64_t key = mix(seed + 0x9E3779B97F4A7C15ull);
    key = mix(key ^ static_cast<std::uint64_t>(purpose) * 0xD1B54A32D192ED03ull);
    key = mix(key + step * 0x9E3779B97F4A7C15ull);
    return mix(key ^ (layer + 1) * 0x8CB92BA72F3D8DD7ull);
  }
  constexpr std::array<std::uint32_t, 2> words() const { return split_key(word()); }
};

/// Four draws: channels 4 * group .. 4 * group + 3 of (sample, position). `group` and `position` below 2^32.
constexpr std::array<std::uint32_t, 4> draw4(std::array<std::uint32_t, 2> key, std::uint64_t sample,
                                             std::uint64_t position, std::uint64_t group) {
  return philox({static_cast<std::uint32_t>(group), static_cast<std::uint32_t>(position),
                 static_cast<std::uint32_t>(sample), static_cast<std::uint32_t>(sample >> 32)},
                key);
}

/// [0, 1) with 24 bits.
constexpr float to_uniform(std::uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-24f; }

/// Two independent standard normals (Box and Muller 1958); the first word is kept from 0 so that the logarithm is
/// finite.
inline std::array<float, 2> to_normal(std::uint32_t a, std::uint32_t b) {
  const double u = (static_cast<double>(a) + 1.0) * 0x1p-32,
               angle = 6.283185307179586 * (static_cast<double>(b) * 0x1p-32);
  const double radius = std::sqrt(-2.0 * std::log(u));
  return {static_cast<float>(radius * std::cos(angle)), static_cast<float>(radius * std::sin(angle))};
}

}  // namespace isobath
