#pragma once
// The text itself, looked at where yaml-cpp guesses without a word: it takes byte 4 for the end of the file, replaces
// broken UTF-8, closes an open quote at the end of the file and folds the lines of unquoted text into one.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "configs/schema/document/config_error.hpp"

namespace isobath::config {

/// Whether `text` is short enough for a configuration and holds nothing but UTF-8 without control characters (tab and
/// line ends aside); otherwise adds an issue with the first place.
bool is_plain_text(const std::string& text, const std::string& file, Issues& issues);

/// Finds what was written at a place again. `text` must outlive it.
class SourceText {
 public:
  explicit SourceText(std::string_view text);

  /// From line and column, both counted from 0 and columns in bytes behind the byte order mark, to the end of the text.
  std::string_view from(int line, int column) const;

 private:
  std::string_view text_;
  std::vector<std::size_t> lines_;  // offset of the start of each line
};

/// Whether the quoted text that `rest` begins with ends before `rest` does. True for text that begins with no quote.
bool is_closed(std::string_view rest);

}  // namespace isobath::config
