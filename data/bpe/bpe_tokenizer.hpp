#pragma once
// Text to byte-level BPE tokens and back.

#include <string>
#include <vector>

#include "data/bpe/bpe_merger.hpp"
#include "data/bpe/bpe_vocabulary.hpp"
#include "data/bpe/piece_splitter.hpp"
#include "data/text/tokenizer.hpp"

namespace isobath {

/// Takes any bytes: a run of them that is no UTF-8 is a piece of its own, and decodes to what it was. The names of
/// special tokens in a text are text like any other.
class BpeTokenizer : public Tokenizer {
 public:
  /// `vocabulary` has been checked; `where` names it in errors. Throws DataError for a pattern that cannot be used.
  BpeTokenizer(BpeVocabulary vocabulary, const std::string& where);

  TokenizerKind kind() const override { return TokenizerKind::Bpe; }
  std::int64_t vocabulary() const override { return vocabulary_.size(); }
  std::unique_ptr<StreamEncoder> stream(std::string where) const override;
  std::string decode(std::span<const std::int32_t> tokens) const override;
  std::optional<std::int32_t> end_token() const override { return vocabulary_.end_token(); }
  TextCuts cuts() const override {
    return vocabulary_.pattern == kGpt2Pattern ? TextCuts::BeforeSpaces : TextCuts::Never;
  }

  const BpeVocabulary& entries() const { return vocabulary_; }
  const PiecePattern& pattern() const { return pattern_; }
  const MergeTable& merges() const { return merges_; }
  const std::vector<std::int32_t>& bytes() const { return bytes_; }

 private:
  BpeVocabulary vocabulary_;
  std::vector<std::string> texts_;  // of every token; a special one's is its name
  PiecePattern pattern_;
  MergeTable merges_;
  std::vector<std::int32_t> bytes_;
};

}  // namespace isobath
