#include "trainer/checkpoint/manifest/digest.hpp"

#include <xxhash.h>

namespace isobath {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

std::optional<std::uint64_t> word_from_hex(std::string_view hex) {
  std::uint64_t word = 0;
  for (const char digit : hex) {
    const auto value = kDigits.find(digit);
    if (value == std::string_view::npos) return std::nullopt;
    word = word << 4 | value;
  }
  return word;
}

}  // namespace

Digest digest_of(std::span<const std::byte> bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.high64, hash.low64};
}

Digest digest_of(std::string_view text) { return digest_of(std::as_bytes(std::span(text))); }

std::string to_hex(Digest digest) {
  std::string hex;
  for (const std::uint64_t word : {digest.high, digest.low})
    for (int shift = 60; shift >= 0; shift -= 4) hex += kDigits[(word >> shift) & 15];
  return hex;
}

std::optional<Digest> digest_from_hex(std::string_view hex) {
  if (hex.size() != 32) return std::nullopt;
  const auto high = word_from_hex(hex.substr(0, 16)), low = word_from_hex(hex.substr(16));
  if (!high || !low) return std::nullopt;
  return Digest{*high, *low};
}

}  // namespace isobath
