#include "data/prepare/survey.hpp"

#include <string>
#include <utility>

#include "data/files/text_reader.hpp"
#include "data/text/utf8.hpp"
#include "ops/core/error.hpp"
#include "ops/core/stop.hpp"

namespace isobath {
namespace {

class CharacterCount {
 public:
  CharacterCount() : seen_(static_cast<std::size_t>(kLastCodePoint) + 1, 0) {}

  void take(Utf8Decoder& decoder, std::span<const std::byte> block) {
    codes_.clear();
    decoder.decode(block, codes_);
    for (const char32_t code : codes_) seen_[code] = 1;
  }

  CharacterVocabulary vocabulary() const {
    std::u32string characters;
    for (std::size_t code = 0; code < seen_.size(); ++code)
      if (seen_[code]) characters += static_cast<char32_t>(code);
    return {std::move(characters), "the texts"};
  }

 private:
  std::vector<char> seen_;  // by code point
  std::u32string codes_;
};

}  // namespace

void SourceDigest::update(std::span<const std::byte> block) {
  if (!text_) text_.emplace();
  text_->update(block);
  bytes_ += static_cast<std::int64_t>(block.size());
}

std::int64_t SourceDigest::end_text() {
  all_.update(static_cast<std::uint64_t>(bytes_));
  if (text_) all_.update(text_->finish());
  text_.reset();
  return std::exchange(bytes_, 0);
}

void leave_if_asked() {
  if (stop_requested())
    throw Error(ExitCode::Requeue, "stopped on request before the dataset was whole; the same command goes on");
}

Survey survey_texts(const std::vector<std::filesystem::path>& texts, const SurveyOptions& options) {
  const bool decodes = options.tokenizer == TokenizerKind::Characters;
  Survey survey;
  CharacterCount count;
  SourceDigest digest;
  PartPlanner planner(options.unit, options.cuts, options.part_bytes);
  for (std::size_t index = 0; index < texts.size(); ++index) {
    const auto& path = texts[index];
    Utf8Decoder decoder(path.string());
    planner.begin_text(index);
    for_each_block(path, [&](std::span<const std::byte> block) {
      leave_if_asked();
      digest.update(block);
      planner.take(block);
      if (decodes) count.take(decoder, block);
    });
    decoder.finish();
    planner.end_text();
    const std::int64_t bytes = digest.end_text();
    if (bytes == 0) throw DataError(text(path.string(), ": is empty, there is nothing to prepare; leave it out"));
    survey.bytes += bytes;
    survey.sources.push_back({path.string(), bytes});
  }
  if (decodes) survey.characters = count.vocabulary();
  survey.fingerprint = digest.finish();
  survey.parts = planner.finish();
  return survey;
}

}  // namespace isobath
