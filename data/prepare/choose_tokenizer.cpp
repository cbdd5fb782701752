#include "data/prepare/choose_tokenizer.hpp"

#include "data/bpe/bpe_files.hpp"
#include "data/bpe/bpe_tokenizer.hpp"
#include "data/files/text_reader.hpp"
#include "data/sentencepiece/sentencepiece.hpp"
#include "data/text/tokenizer_data.hpp"
#include "data/text/utf8.hpp"
#include "data/training/train_tokenizer.hpp"
#include "ops/core/error.hpp"
#include "ops/core/files/durable.hpp"

namespace isobath {
namespace {

ChosenTokenizer of_model(TokenizerKind kind, std::string content, const std::string& where) {
  ChosenTokenizer out;
  out.tokenizer = parse_tokenizer(kind, content, where);
  out.fingerprint = Hasher().update(std::string_view(content)).finish();
  out.content = std::move(content);
  return out;
}

ChosenTokenizer of_characters(const CharacterVocabulary& characters) {
  return {std::make_shared<CharacterTokenizer>(characters), characters.to_json(), characters.fingerprint()};
}

ChosenTokenizer counted(const PrepareOptions& options, const Survey& survey) {
  if (options.vocabulary.empty()) return of_characters(survey.characters);
  const CharacterVocabulary given = CharacterVocabulary::read(options.vocabulary);
  for (const char32_t code : survey.characters.characters())
    if (given.number_of(code) < 0)
      throw DataError(text(options.vocabulary.string(), ": has no ", name_of_code_point(code),
                           ", which the texts use; build the vocabulary from all texts, or use the tokenizer bytes"));
  return of_characters(given);
}

}  // namespace

ChosenTokenizer given_tokenizer(const PrepareOptions& options) {
  if (options.tokenizer == TokenizerKind::Bytes)
    return {std::make_shared<BytesTokenizer>(), {}, CharacterVocabulary().fingerprint()};
  if (options.tokenizer == TokenizerKind::Characters || options.vocabulary.empty()) return {};
  const std::string where = options.vocabulary.string();
  if (options.tokenizer == TokenizerKind::Bpe)
    return of_model(TokenizerKind::Bpe, to_tokenizer_json(read_bpe_vocabulary(options.vocabulary)), where);
  return of_model(TokenizerKind::SentencePiece, read_text(options.vocabulary, kMostModelBytes), where);
}

ChosenTokenizer tokenizer_of(const PrepareOptions& options, const ChosenTokenizer& given, const DocumentRule& documents,
                             const std::vector<std::filesystem::path>& texts, const Survey& survey,
                             const PartStore& store) {
  if (given.tokenizer) return given;
  if (options.tokenizer == TokenizerKind::Characters) return counted(options, survey);
  const auto kept = store.file(text(name_of(options.tokenizer), '-', options.entries, ".trained"));
  std::error_code unknown;
  if (!std::filesystem::exists(kept, unknown)) {
    const TrainingTexts corpus{texts, survey.parts, documents};
    const auto tell = [&](std::int64_t done, std::int64_t wanted) {
      if (options.progress) options.progress({"learning merges", done, wanted, ProgressUnit::Merges});
    };
    write_durably(kept, options.tokenizer == TokenizerKind::Bpe ? train_bpe(corpus, options.entries, tell)
                                                                : train_sentencepiece(corpus, options.entries));
  }
  return of_model(options.tokenizer, read_text(kept, kMostModelBytes), kept.string());
}

DocumentRule documents_of(const PrepareOptions& options, HasEndToken has_end_token) {
  const bool has = has_end_token == HasEndToken::Yes;
  DocumentRule rule;
  rule.unit = options.documents.value_or(has ? DocumentUnit::File : DocumentUnit::None);
  rule.field = options.field;
  const bool separates = has && rule.unit != DocumentUnit::None;
  rule.end_token = options.end_token.value_or(separates ? EndTokenPlace::Before : EndTokenPlace::None);
  if (rule.end_token != EndTokenPlace::None && !has)
    throw Error(ExitCode::Usage, text("prepare: the tokenizer ", name_of(options.tokenizer),
                                      " has no end token; choose another tokenizer, or --end-token none"));
  return rule;
}

}  // namespace isobath
