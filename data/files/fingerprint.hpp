#pragma once
// XXH3-128 (the XXH3 of xxHash 0.8, whose output is frozen): tells apart contents, guards against damage, is no defence
// against an attacker.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace isobath {

/// A 128-bit digest in canonical (big-endian) byte order.
struct Fingerprint {
  std::array<std::uint8_t, 16> bytes{};

  bool operator==(const Fingerprint&) const = default;
  /// 32 lower-case hexadecimal digits.
  std::string hex() const;
  /// Throws DataError, naming `where`, unless `hex` is 32 hexadecimal digits.
  static Fingerprint from_hex(std::string_view hex, std::string_view where);
};

/// Digests a stream of bytes; how it was cut into pieces does not matter.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;

  Hasher& update(std::span<const std::byte> bytes);
  Hasher& update(std::string_view text);
  /// The eight bytes of `word`, least significant first.
  Hasher& update(std::uint64_t word);
  Hasher& update(const Fingerprint& fingerprint);
  Fingerprint finish() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Fingerprint fingerprint_of(std::span<const std::byte> bytes);

}  // namespace isobath
