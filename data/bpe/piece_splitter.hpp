#pragma once
// Cuts text into the pieces that BPE works on, by a regular expression (PCRE2).

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace isobath {

/// Whether a text goes on behind what is at hand.
enum class TextEnd { Reached, MayFollow };

/// A compiled pattern; immutable, may be shared by threads.
class PiecePattern {
 public:
  /// Throws DataError, naming `where`, for what is no Perl regular expression or looks behind the start of a match (the
  /// text there may be gone), and BackendError in a build without PCRE2.
  PiecePattern(const std::string& pattern, const std::string& where);

  struct Code;
  const Code& code() const { return *code_; }

 private:
  std::shared_ptr<const Code> code_;
};

/// Finds the pieces of one text; for one thread.
class PieceSplitter {
 public:
  /// `pattern` outlives it.
  explicit PieceSplitter(const PiecePattern& pattern);
  ~PieceSplitter();
  PieceSplitter(const PieceSplitter&) = delete;
  PieceSplitter& operator=(const PieceSplitter&) = delete;

  /// Where the piece that begins at `begin` < text.size() ends: at the end of a match, or before the next one where
  /// nothing matches. Nothing when that depends on text that may follow. `text` is valid UTF-8.
  std::optional<std::size_t> end_of_piece(std::string_view text, std::size_t begin, TextEnd end);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace isobath
