#pragma once
// UTF-8 as RFC 3629 defines it: shortest form only, no surrogates, nothing beyond U+10FFFF.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace isobath {

inline constexpr char32_t kLastCodePoint = 0x10FFFF;
inline constexpr char32_t kReplacementCharacter = 0xFFFD;

/// Whether `code` can be encoded: a code point that is no surrogate.
constexpr bool is_scalar(char32_t code) { return code <= kLastCodePoint && (code < 0xD800 || code > 0xDFFF); }

/// Decodes a stream that arrives in blocks, which may cut a character.
class Utf8Decoder {
 public:
  /// `where` names the stream in errors.
  explicit Utf8Decoder(std::string where) : where_(std::move(where)) {}

  /// Appends the characters that end in `block`. Throws DataError, with the offset of the byte, for what is not UTF-8.
  void decode(std::span<const std::byte> block, std::u32string& out);
  /// Throws DataError when the stream ended inside a character.
  void finish() const;

 private:
  void begin(std::uint8_t byte);
  void go_on(std::uint8_t byte, std::u32string& out);
  [[noreturn]] void refuse(std::int64_t offset, const char* why) const;

  std::string where_;
  std::int64_t offset_ = 0;  // of the next byte in the stream
  char32_t code_ = 0;        // bits of the character gathered so far
  char32_t least_ = 0;       // smaller codes have a shorter form
  int missing_ = 0;          // bytes until the character is whole
};

/// Appends the UTF-8 form of `code`, which must be a scalar.
void append_utf8(char32_t code, std::string& out);

/// "U+0041".
std::string name_of_code_point(char32_t code);

}  // namespace isobath
