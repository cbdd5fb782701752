#include "data/text/tokenizer_data.hpp"

#include <mutex>
#include <utility>

#include "data/bpe/bpe_files.hpp"
#include "data/bpe/bpe_tokenizer.hpp"
#include "data/files/text_reader.hpp"
#include "data/sentencepiece/sentencepiece.hpp"
#include "ops/core/error.hpp"

namespace isobath {
namespace {

class TokenizerOnDemand : public Tokenizer {
 public:
  TokenizerOnDemand(TokenizerKind kind, TokenizerData data) : kind_(kind), data_(std::move(data)) {}

  TokenizerKind kind() const override { return kind_; }
  std::int64_t vocabulary() const override { return loaded().vocabulary(); }
  std::unique_ptr<StreamEncoder> stream(std::string where) const override { return loaded().stream(std::move(where)); }
  std::string decode(std::span<const std::int32_t> tokens) const override { return loaded().decode(tokens); }
  std::optional<std::int32_t> end_token() const override { return loaded().end_token(); }
  TextCuts cuts() const override { return loaded().cuts(); }

 private:
  const Tokenizer& loaded() const {
    std::call_once(once_, [this] {
      const std::string model = read_text(data_.path, kMostModelBytes);
      if (Hasher().update(std::string_view(model)).finish() != data_.content)
        throw DataError(
            text(data_.path, ": changed since the dataset was opened; copy the folder again from its origin"));
      tokenizer_ = parse_tokenizer(kind_, model, data_.path);
    });
    return *tokenizer_;
  }

  TokenizerKind kind_;
  TokenizerData data_;
  mutable std::once_flag once_;  // guards tokenizer_
  mutable std::shared_ptr<const Tokenizer> tokenizer_;
};

}  // namespace

const char* tokenizer_file(TokenizerKind kind) {
  switch (kind) {
    case TokenizerKind::External:
    case TokenizerKind::Bytes:
      return nullptr;
    case TokenizerKind::Characters:
      return kVocabularyFile;
    case TokenizerKind::Bpe:
      return kBpeFile;
    case TokenizerKind::SentencePiece:
      return kSentencePieceFile;
  }
  return nullptr;
}

std::shared_ptr<const Tokenizer> parse_tokenizer(TokenizerKind kind, const std::string& model,
                                                 const std::string& where) {
  if (kind == TokenizerKind::SentencePiece) return sentencepiece_tokenizer(model, where);
  require(kind == TokenizerKind::Bpe, "a tokenizer ", name_of(kind), " has no model");
  return std::make_shared<BpeTokenizer>(parse_tokenizer_json(model, where), where);
}

std::shared_ptr<const Tokenizer> make_tokenizer(TokenizerKind kind, const TokenizerData& data) {
  if (kind == TokenizerKind::Bytes) return std::make_shared<BytesTokenizer>();
  if (kind == TokenizerKind::Characters && data.characters.size() > 0)
    return std::make_shared<CharacterTokenizer>(data.characters);
  if (!data.path.empty()) return std::make_shared<TokenizerOnDemand>(kind, data);
  return nullptr;
}

}  // namespace isobath
