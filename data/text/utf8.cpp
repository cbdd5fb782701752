#include "data/text/utf8.hpp"

#include <iomanip>
#include <sstream>

#include "ops/core/error.hpp"

namespace isobath {

void Utf8Decoder::decode(std::span<const std::byte> block, std::u32string& out) {
  for (const std::byte raw : block) {
    const auto byte = static_cast<std::uint8_t>(raw);
    if (missing_ > 0)
      go_on(byte, out);
    else if (byte < 0x80)
      out += static_cast<char32_t>(byte);
    else
      begin(byte);
    ++offset_;
  }
}

void Utf8Decoder::finish() const {
  if (missing_ > 0) refuse(offset_, "the text ends inside a character");
}

void Utf8Decoder::begin(std::uint8_t byte) {
  if ((byte & 0xE0) == 0xC0) {
    code_ = byte & 0x1F;
    least_ = 0x80;
    missing_ = 1;
  } else if ((byte & 0xF0) == 0xE0) {
    code_ = byte & 0x0F;
    least_ = 0x800;
    missing_ = 2;
  } else if ((byte & 0xF8) == 0xF0) {
    code_ = byte & 0x07;
    least_ = 0x10000;
    missing_ = 3;
  } else {
    refuse(offset_, "no character begins with this byte");
  }
}

void Utf8Decoder::go_on(std::uint8_t byte, std::u32string& out) {
  if ((byte & 0xC0) != 0x80) refuse(offset_, "a character is cut short here");
  code_ = (code_ << 6) | (byte & 0x3F);
  if (--missing_ > 0) return;
  if (code_ < least_) refuse(offset_, "a character in a longer form than needed ends here");
  if (!is_scalar(code_)) refuse(offset_, "a code that is no character ends here");
  out += code_;
}

void Utf8Decoder::refuse(std::int64_t offset, const char* why) const {
  throw DataError(text(where_, ": is not UTF-8 at byte ", offset, ": ", why,
                       "; convert it to UTF-8, or use the tokenizer bytes, which takes any file"));
}

void append_utf8(char32_t code, std::string& out) {
  require(is_scalar(code), "code point ", static_cast<std::uint32_t>(code), " has no UTF-8 form");
  const auto put = [&out](char32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (code < 0x80) {
    put(code);
    return;
  }
  const int tail = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;  // bytes that go on
  constexpr char32_t kLead[] = {0, 0xC0, 0xE0, 0xF0};
  put(kLead[tail] | (code >> (6 * tail)));
  for (int byte = tail - 1; byte >= 0; --byte) put(0x80 | ((code >> (6 * byte)) & 0x3F));
}

std::string name_of_code_point(char32_t code) {
  std::ostringstream out;
  out << "U+" << std::hex << std::uppercase << std::setw(4) << std::setfill('0') << static_cast<std::uint32_t>(code);
  return out.str();
}

}  // namespace isobath
