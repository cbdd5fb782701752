#pragma once
// The bytes of texts to tokens, with an end token between documents.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/documents/document_rule.hpp"
#include "data/text/tokenizer.hpp"

namespace isobath {

/// Whether a stretch of text begins (ends) with its text or with a cut that a CutFinder found.
enum class StretchEdge { OfText, Cut };

/// Encodes stretches of texts in order; for one thread. Documents without a byte leave no tokens.
class DocumentEncoder {
 public:
  /// `tokenizer` outlives it. The rule's end token must exist.
  DocumentEncoder(const Tokenizer& tokenizer, DocumentRule rule);

  /// `where` names the text in errors.
  void begin(StretchEdge edge, std::string where);
  /// Appends the tokens that `block` completes. Throws DataError for what the tokenizer or the rule cannot take.
  void encode(std::span<const std::byte> block, std::vector<std::int32_t>& out);
  void end(StretchEdge edge, std::vector<std::int32_t>& out);

 private:
  void take(std::span<const std::byte> bytes, std::vector<std::int32_t>& out);
  void close(std::vector<std::int32_t>& out);
  void encode_lines(std::span<const std::byte> block, std::vector<std::int32_t>& out);
  void encode_paragraphs(std::span<const std::byte> block, std::vector<std::int32_t>& out);
  void encode_record(std::vector<std::int32_t>& out);

  const Tokenizer& tokenizer_;
  DocumentRule rule_;
  std::string where_;
  std::unique_ptr<StreamEncoder> encoder_;
  bool is_open_ = false;          // the document has had a byte
  bool after_line_feed_ = false;  // see CutFinder
  std::string record_;            // the line of Jsonl so far
};

}  // namespace isobath
