#include "data/bpe/byte_alphabet.hpp"

#include <array>
#include <cstdint>

#include "data/text/utf8.hpp"
#include "ops/core/error.hpp"

namespace isobath {
namespace {

constexpr char32_t kFirstSubstitute = 256;
constexpr std::size_t kCharacters = 324;  // 256 and the 68 bytes that need a substitute

constexpr bool prints_as_itself(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

struct Tables {
  std::array<char32_t, 256> character{};
  std::array<int, kCharacters> byte{};
};

// Bytes that do not print take the characters from U+0100 on, in their order.
constexpr Tables make_tables() {
  Tables out;
  out.byte.fill(-1);
  char32_t next = kFirstSubstitute;
  for (int byte = 0; byte < 256; ++byte) {
    const char32_t character = prints_as_itself(byte) ? static_cast<char32_t>(byte) : next++;
    out.character[static_cast<std::size_t>(byte)] = character;
    out.byte[character] = byte;
  }
  return out;
}
constexpr Tables kTables = make_tables();

}  // namespace

std::string to_byte_alphabet(std::string_view bytes) {
  std::string out;
  for (const char byte : bytes) append_utf8(kTables.character[static_cast<unsigned char>(byte)], out);
  return out;
}

std::string from_byte_alphabet(std::string_view characters, const std::string& where) {
  Utf8Decoder decoder(where);
  std::u32string codes;
  decoder.decode(std::as_bytes(std::span(characters)), codes);
  decoder.finish();
  std::string out;
  for (const char32_t code : codes) {
    const int byte = code < kCharacters ? kTables.byte[code] : -1;
    if (byte < 0)
      throw DataError(text(where, ": the token \"", characters, "\" holds ", name_of_code_point(code),
                           ", which stands for no byte; only byte-level BPE vocabularies can be read"));
    out += static_cast<char>(byte);
  }
  return out;
}

}  // namespace isobath
