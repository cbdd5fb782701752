#pragma once
// What a byte-level BPE tokenizer knows: its tokens, the merges that make them, and how text is cut before.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/files/fingerprint.hpp"

namespace isobath {

/// The rule by which GPT-2 cuts text into pieces, as a Perl regular expression; no token crosses the border of a piece.
inline constexpr std::string_view kGpt2Pattern =
    R"('(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

/// GPT-2's mark between documents.
inline constexpr std::string_view kEndOfText = "<|endoftext|>";

struct BpeMerge {
  std::int32_t left = 0, right = 0, result = 0;  ///< token numbers

  bool operator==(const BpeMerge&) const = default;
};

/// A token that stands for no text: encoding text never yields it.
struct SpecialToken {
  std::int32_t number = 0;
  std::string name;

  bool operator==(const SpecialToken&) const = default;
};

/// Whether a piece that is a token as a whole becomes it without merges (Llama 3) or by merges only (GPT-2).
enum class WholePieces { ByMerges, AtOnce };

struct BpeVocabulary {
  std::vector<std::string> tokens;  ///< the bytes of each number; empty for special tokens
  std::vector<BpeMerge> merges;     ///< the earliest first
  std::vector<SpecialToken> specials;
  std::string pattern{kGpt2Pattern};
  WholePieces whole_pieces = WholePieces::ByMerges;

  bool operator==(const BpeVocabulary&) const = default;

  std::int64_t size() const { return static_cast<std::int64_t>(tokens.size()); }
  /// The special token that separates documents, by the names in use for it.
  std::optional<std::int32_t> end_token() const;
  /// Throws DataError, naming `where`, unless each byte is a token, no two tokens are alike, and each merge joins two
  /// tokens to a third.
  void check(const std::string& where) const;
};

/// The number of each single byte. `vocabulary` has been checked.
std::vector<std::int32_t> byte_tokens(const BpeVocabulary& vocabulary);

}  // namespace isobath
