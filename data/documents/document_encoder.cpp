#include "data/documents/document_encoder.hpp"

#include <algorithm>
#include <utility>

#include "data/documents/json_field.hpp"
#include "ops/core/error.hpp"

namespace isobath {

DocumentEncoder::DocumentEncoder(const Tokenizer& tokenizer, DocumentRule rule)
    : tokenizer_(tokenizer), rule_(std::move(rule)), encoder_(tokenizer.stream("the texts")) {
  require(rule_.end_token == EndTokenPlace::None || tokenizer.end_token().has_value(), "tokenizer ",
          name_of(tokenizer.kind()), " has no end token");
}

// The first byte of a document brings the end token before it, so that empty documents leave no trace.
void DocumentEncoder::take(std::span<const std::byte> bytes, std::vector<std::int32_t>& out) {
  if (bytes.empty()) return;
  if (!is_open_ && rule_.end_token == EndTokenPlace::Before) out.push_back(*tokenizer_.end_token());
  is_open_ = true;
  encoder_->encode(bytes, out);
}

void DocumentEncoder::close(std::vector<std::int32_t>& out) {
  if (!is_open_) return;
  encoder_->finish(out);
  if (rule_.end_token == EndTokenPlace::After) out.push_back(*tokenizer_.end_token());
  is_open_ = false;
}

void DocumentEncoder::begin(StretchEdge edge, std::string where) {
  where_ = std::move(where);
  const bool is_whole_text = rule_.unit == DocumentUnit::None || rule_.unit == DocumentUnit::File;
  is_open_ = is_whole_text && edge == StretchEdge::Cut;  // its beginning lies in another stretch
  after_line_feed_ = false;
  record_.clear();
}

void DocumentEncoder::encode(std::span<const std::byte> block, std::vector<std::int32_t>& out) {
  switch (rule_.unit) {
    case DocumentUnit::None:
    case DocumentUnit::File:
      return take(block, out);
    case DocumentUnit::Line:
    case DocumentUnit::Jsonl:
      return encode_lines(block, out);
    case DocumentUnit::BlankLine:
      return encode_paragraphs(block, out);
  }
}

void DocumentEncoder::encode_lines(std::span<const std::byte> block, std::vector<std::int32_t>& out) {
  while (!block.empty()) {
    const auto feed = std::find(block.begin(), block.end(), std::byte{'\n'});
    const auto line = block.first(static_cast<std::size_t>(feed - block.begin()));
    if (rule_.unit == DocumentUnit::Jsonl)
      record_.append(reinterpret_cast<const char*>(line.data()), line.size());
    else
      take(line, out);
    if (feed == block.end()) return;
    encode_record(out);
    close(out);
    block = block.subspan(line.size() + 1);
  }
}

void DocumentEncoder::encode_record(std::vector<std::int32_t>& out) {
  if (record_.find_first_not_of(" \t\r") != std::string::npos) {
    const std::string field = json_string_field(record_, rule_.field, where_);
    take(std::as_bytes(std::span(field)), out);
  }
  record_.clear();
}

void DocumentEncoder::encode_paragraphs(std::span<const std::byte> block, std::vector<std::int32_t>& out) {
  std::size_t begin = 0;
  for (std::size_t at = 0; at < block.size(); ++at) {
    const bool line_feed = block[at] == std::byte{'\n'}, pair = line_feed && after_line_feed_;
    after_line_feed_ = line_feed && !pair;
    if (!pair) continue;
    take(block.subspan(begin, at + 1 - begin), out);
    close(out);
    begin = at + 1;
  }
  take(block.subspan(begin), out);
}

void DocumentEncoder::end(StretchEdge edge, std::vector<std::int32_t>& out) {
  if (rule_.unit == DocumentUnit::Jsonl) encode_record(out);
  const bool goes_on =
      edge == StretchEdge::Cut && (rule_.unit == DocumentUnit::None || rule_.unit == DocumentUnit::File);
  if (!goes_on) return close(out);
  encoder_->finish(out);  // the cut is a place where the tokenizer keeps nothing
}

}  // namespace isobath
