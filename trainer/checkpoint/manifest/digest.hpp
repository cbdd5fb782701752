#pragma once
// XXH3-128 of bytes in memory. Not cryptographic: it finds damage, not forgery.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace isobath {

struct Digest {
  std::uint64_t high = 0, low = 0;
  bool operator==(const Digest&) const = default;
};

Digest digest_of(std::span<const std::byte> bytes);
Digest digest_of(std::string_view text);

/// 32 lower-case hexadecimal digits, most significant first, as `xxhsum -H2` prints them.
std::string to_hex(Digest digest);
/// Nothing unless `hex` is exactly what to_hex prints.
std::optional<Digest> digest_from_hex(std::string_view hex);

}  // namespace isobath
