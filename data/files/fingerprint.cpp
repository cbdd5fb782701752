#include "data/files/fingerprint.hpp"

#include <cstring>
#include <new>

#include <xxhash.h>

#include "ops/core/error.hpp"

namespace isobath {
namespace {

int nibble(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return -1;
}

}  // namespace

std::string Fingerprint::hex() const {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t byte : bytes) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

Fingerprint Fingerprint::from_hex(std::string_view hex, std::string_view where) {
  Fingerprint out;
  bool valid = hex.size() == 2 * out.bytes.size();
  for (std::size_t i = 0; valid && i < out.bytes.size(); ++i) {
    const int high = nibble(hex[2 * i]), low = nibble(hex[2 * i + 1]);
    valid = high >= 0 && low >= 0;
    out.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  if (!valid) throw DataError(text(where, ": a fingerprint is 32 hexadecimal digits, found \"", hex, '"'));
  return out;
}

struct Hasher::State {
  XXH3_state_t* xxh;
};

Hasher::Hasher() : state_(std::make_unique<State>(State{XXH3_createState()})) {
  if (state_->xxh == nullptr) throw std::bad_alloc();
  XXH3_128bits_reset(state_->xxh);
}

Hasher::~Hasher() { XXH3_freeState(state_->xxh); }

Hasher& Hasher::update(std::span<const std::byte> bytes) {
  XXH3_128bits_update(state_->xxh, bytes.data(), bytes.size());
  return *this;
}

Hasher& Hasher::update(std::string_view text) { return update(std::as_bytes(std::span(text))); }

Hasher& Hasher::update(std::uint64_t word) {
  std::array<std::byte, 8> bytes;
  for (int i = 0; i < 8; ++i) bytes[static_cast<std::size_t>(i)] = static_cast<std::byte>(word >> (8 * i));
  return update(bytes);
}

Hasher& Hasher::update(const Fingerprint& fingerprint) { return update(std::as_bytes(std::span(fingerprint.bytes))); }

Fingerprint Hasher::finish() const {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_->xxh));
  Fingerprint out;
  std::memcpy(out.bytes.data(), canonical.digest, out.bytes.size());
  return out;
}

Fingerprint fingerprint_of(std::span<const std::byte> bytes) { return Hasher().update(bytes).finish(); }

}  // namespace isobath
