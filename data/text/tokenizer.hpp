#pragma once
// Text to tokens and back.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/text/character_vocabulary.hpp"
#include "data/text/tokenizer_kind.hpp"

namespace isobath {

/// Tokenizes one text that arrives in blocks; a block may cut a character.
class StreamEncoder {
 public:
  virtual ~StreamEncoder() = default;
  /// Appends the tokens that end in `block`. Throws DataError, with the position, for a text the tokenizer cannot take.
  virtual void encode(std::span<const std::byte> block, std::vector<std::int32_t>& out) = 0;
  /// Ends the text: appends what was kept back because it might have gone on. Another text may begin. Throws DataError
  /// when the text ended inside a character.
  virtual void finish(std::vector<std::int32_t>&) {}
};

/// Where a text can be cut so that the parts have the tokens of the whole.
enum class TextCuts {
  Never,
  BeforeSpaces,  ///< between a letter a-z and a space
};

/// Immutable; may be shared by threads.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  virtual TokenizerKind kind() const = 0;
  /// Tokens are in [0, vocabulary()).
  virtual std::int64_t vocabulary() const = 0;
  /// `where` names the text in errors. The encoder must not outlive the tokenizer.
  virtual std::unique_ptr<StreamEncoder> stream(std::string where) const = 0;
  /// The text of `tokens`. A token outside the vocabulary (a model may have more rows than the tokenizer has entries)
  /// becomes U+FFFD.
  virtual std::string decode(std::span<const std::int32_t> tokens) const = 0;

  /// The token that stands between documents; nothing for tokenizers that have none.
  virtual std::optional<std::int32_t> end_token() const { return std::nullopt; }
  virtual TextCuts cuts() const { return TextCuts::BeforeSpaces; }

  /// The tokens of a whole text. Throws DataError for one the tokenizer cannot take.
  std::vector<std::int32_t> encode(std::string_view whole) const;
};

/// Token = byte; takes any file; 256 entries.
class BytesTokenizer : public Tokenizer {
 public:
  TokenizerKind kind() const override { return TokenizerKind::Bytes; }
  std::int64_t vocabulary() const override { return 256; }
  std::unique_ptr<StreamEncoder> stream(std::string where) const override;
  std::string decode(std::span<const std::int32_t> tokens) const override;
};

/// Token = index of a Unicode code point in a sorted vocabulary. Text is UTF-8; a character outside the vocabulary is
/// an error.
class CharacterTokenizer : public Tokenizer {
 public:
  explicit CharacterTokenizer(CharacterVocabulary vocabulary) : characters_(std::move(vocabulary)) {}
  TokenizerKind kind() const override { return TokenizerKind::Characters; }
  std::int64_t vocabulary() const override { return characters_.size(); }
  std::unique_ptr<StreamEncoder> stream(std::string where) const override;
  std::string decode(std::span<const std::int32_t> tokens) const override;

 private:
  CharacterVocabulary characters_;
};

}  // namespace isobath
