#include "data/bpe/piece_stream.hpp"

#include <cstdint>
#include <cstring>

namespace isobath {
namespace {

// Length of the character that `lead` begins, and the range its second byte must lie in (RFC 3629, table in section 4);
// 0 for a byte that begins none.
struct Lead {
  std::size_t length = 0;
  unsigned char low = 0x80, high = 0xBF;
};
Lead lead_of(unsigned char byte) {
  if (byte < 0x80) return {1};
  if (byte >= 0xC2 && byte <= 0xDF) return {2};
  if (byte == 0xE0) return {3, 0xA0};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte >= 0xE1 && byte <= 0xEF) return {3};
  if (byte == 0xF0) return {4, 0x90};
  if (byte >= 0xF1 && byte <= 0xF3) return {4};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {};
}

Utf8Front::Stop character_at(std::string_view bytes, std::size_t at, std::size_t& length) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[at + i]); };
  const Lead lead = lead_of(byte(0));
  length = lead.length;
  if (length == 0) return Utf8Front::Stop::NotUtf8;
  for (std::size_t i = 1; i < length; ++i) {
    if (at + i >= bytes.size()) return Utf8Front::Stop::CutCharacter;
    const unsigned char low = i == 1 ? lead.low : 0x80, high = i == 1 ? lead.high : 0xBF;
    if (byte(i) < low || byte(i) > high) return Utf8Front::Stop::NotUtf8;
  }
  return Utf8Front::Stop::End;
}

}  // namespace

Utf8Front utf8_front(std::string_view bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    std::uint64_t eight = 0;  // of ASCII at once
    while (at + 8 <= bytes.size()) {
      std::memcpy(&eight, bytes.data() + at, 8);
      if ((eight & 0x8080808080808080ull) != 0) break;
      at += 8;
    }
    if (at == bytes.size()) break;
    std::size_t length = 0;
    const Utf8Front::Stop stop = character_at(bytes, at, length);
    if (stop != Utf8Front::Stop::End) return {at, stop};
    at += length;
  }
  return {at, Utf8Front::Stop::End};
}

std::size_t PieceStream::next_end(std::size_t begin, TextEnd end) {
  if (begin == buffer_.size()) return begin;
  if (!is_measured_ || begin >= valid_) {
    const Utf8Front front = utf8_front(std::string_view(buffer_).substr(begin));
    valid_ = begin + front.bytes;
    stop_ = front.stop;
    is_measured_ = true;
  }
  if (begin == valid_) return end_of_foreign(begin, end);
  // Behind bytes that are no UTF-8 a piece ends, whatever follows.
  const bool goes_on = end == TextEnd::MayFollow && stop_ != Utf8Front::Stop::NotUtf8;
  const auto found = splitter_.end_of_piece(std::string_view(buffer_).substr(0, valid_), begin,
                                            goes_on ? TextEnd::MayFollow : TextEnd::Reached);
  return found.value_or(begin);
}

// A run of bytes that begin no character. One that the block cut may become a character yet.
std::size_t PieceStream::end_of_foreign(std::size_t begin, TextEnd end) const {
  std::size_t at = begin;
  while (at < buffer_.size()) {
    std::size_t length = 0;
    const Utf8Front::Stop stop = character_at(buffer_, at, length);
    if (stop == Utf8Front::Stop::End) return at;
    if (stop == Utf8Front::Stop::CutCharacter && end == TextEnd::MayFollow) return begin;
    ++at;
  }
  return end == TextEnd::Reached ? at : begin;
}

void PieceStream::drop(std::size_t done, TextEnd end) {
  buffer_.erase(0, done);
  is_measured_ = false;
  worthwhile_ = end == TextEnd::Reached ? 0 : 2 * buffer_.size();
}

}  // namespace isobath
