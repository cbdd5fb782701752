#pragma once
// What a tokenizer needs beside its kind, and where it is kept: a file in the folder of the tokens.

#include <cstddef>
#include <memory>
#include <string>

#include "data/files/fingerprint.hpp"
#include "data/text/character_vocabulary.hpp"
#include "data/text/tokenizer.hpp"

namespace isobath {

inline constexpr std::size_t kMostModelBytes = std::size_t{256} << 20;

/// The name of a kind's file in a dataset's folder; null for a kind that needs none.
const char* tokenizer_file(TokenizerKind kind);

struct TokenizerData {
  CharacterVocabulary characters;  ///< of TokenizerKind::Characters
  std::string path;                ///< of the file of Bpe and SentencePiece, which is read when it is needed
  Fingerprint content;             ///< of that file

  bool operator==(const TokenizerData&) const = default;
  /// Of the characters, none included, or of the file. Two tokenizers of one kind with the same fingerprint are the
  /// same.
  Fingerprint fingerprint() const { return path.empty() ? characters.fingerprint() : content; }
};

/// The tokenizer that `model`, the content of a file of `kind` (Bpe or SentencePiece), describes. `where` names it in
/// errors. Throws DataError.
std::shared_ptr<const Tokenizer> parse_tokenizer(TokenizerKind kind, const std::string& model,
                                                 const std::string& where);

/// Null for External, and for Characters without a vocabulary: such tokens cannot be printed. A model is read at its
/// first use, so that ranks that never print text do not read it; that use throws DataError when it is not the file of
/// the fingerprint.
std::shared_ptr<const Tokenizer> make_tokenizer(TokenizerKind kind, const TokenizerData& data);

}  // namespace isobath
