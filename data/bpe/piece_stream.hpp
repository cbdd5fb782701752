#pragma once
// The pieces of a text that arrives in blocks; a block may cut a piece, and a character.

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "data/bpe/piece_splitter.hpp"

namespace isobath {

/// The UTF-8 at the front of some bytes, and what stops it.
struct Utf8Front {
  enum class Stop { End, CutCharacter, NotUtf8 };
  std::size_t bytes = 0;  ///< whole characters
  Stop stop = Stop::End;
};
Utf8Front utf8_front(std::string_view bytes);

class PieceStream {
 public:
  /// `pattern` outlives it.
  explicit PieceStream(const PiecePattern& pattern) : splitter_(pattern) {}

  void append(std::span<const std::byte> block) {
    buffer_.append(reinterpret_cast<const char*>(block.data()), block.size());
  }

  /// body(piece) for the pieces whose end is known by now. Behind TextEnd::Reached another text may begin.
  template <class Body>
  void take(TextEnd end, Body&& body) {
    if (end == TextEnd::MayFollow && buffer_.size() < worthwhile_) return;
    std::size_t begin = 0;
    for (std::size_t next = 0; (next = next_end(begin, end)) > begin; begin = next)
      body(std::string_view(buffer_).substr(begin, next - begin));
    drop(begin, end);
  }

 private:
  /// Where the piece at `begin` ends; `begin` when there is none or its end is not known yet.
  std::size_t next_end(std::size_t begin, TextEnd end);
  std::size_t end_of_foreign(std::size_t begin, TextEnd end) const;
  void drop(std::size_t done, TextEnd end);

  PieceSplitter splitter_;
  std::string buffer_;
  std::size_t valid_ = 0;  // to here the buffer is UTF-8 from the piece in work on
  Utf8Front::Stop stop_ = Utf8Front::Stop::End;
  bool is_measured_ = false;
  std::size_t worthwhile_ = 0;  // bytes; before, a piece without end would be looked at again for every block
};

}  // namespace isobath
