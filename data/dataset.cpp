#include "data/dataset.hpp"

#include <algorithm>
#include <utility>

#include "data/discover.hpp"
#include "data/order/window_index.hpp"
#include "data/prepare/dataset_manifest.hpp"
#include "ops/core/error.hpp"

namespace isobath {
namespace {

// Every file of one list must say the same, or nothing.
std::int64_t resolve_vocabulary(const TokenFileInfo& file, std::int64_t configured) {
  if (file.vocabulary == 0 && configured == 0)
    throw DataError(text(file.path, ": ", name_of(file.format),
                         " files do not say how large their vocabulary is; set data.vocabulary, 50257 for tokens of "
                         "GPT-2"));
  if (file.vocabulary == 0) return configured;
  if (file.format == TokenFormat::Shard && configured != 0 && configured != file.vocabulary)
    throw DataError(text(file.path, ": has a vocabulary of ", file.vocabulary, ", data.vocabulary says ", configured,
                         "; leave it out, model.vocabulary may be larger"));
  return configured != 0 ? configured : file.vocabulary;
}

void require_same_kind(const TokenFileInfo& first, const TokenFileInfo& other, std::int64_t configured) {
  const auto mine = resolve_vocabulary(first, configured), theirs = resolve_vocabulary(other, configured);
  if (mine != theirs || first.tokenizer != other.tokenizer)
    throw DataError(text(other.path, ": ", name_of(other.tokenizer), " tokens with a vocabulary of ", theirs,
                         " do not go with ", first.path, ": ", name_of(first.tokenizer), ", ", mine,
                         "; prepare both the same way, the second with the vocabulary of the first"));
}

Fingerprint fingerprint_of(const DatasetHeader& header, const std::vector<TokenFileInfo>& files) {
  std::vector<TokenPiece> pieces;
  for (const TokenFileInfo& file : files) pieces.push_back({file.count, file.fingerprint});
  return dataset_fingerprint(header.tokenizer, header.vocabulary, header.characters.fingerprint(), pieces);
}

void add_validation(DatasetHeader& header, const DataConfig& config, TokenSource& source) {
  if (!config.validation_path.empty()) {
    TokenSource given = discover_tokens(config.validation_path, config.format);
    require_same_kind(source.files.front(), given.files.front(), config.vocabulary);
    if (given.characters != source.characters)
      throw DataError(text(config.validation_path, ": its characters are numbered otherwise than those of ",
                           config.path, "; prepare it with the vocabulary.json of the training data"));
    header.validation = std::move(given.validation.empty() ? given.files : given.validation);
  } else {
    header.validation = std::move(source.validation);
  }
  if (header.validation.empty()) header.split = {config.validation_fraction, config.validation_block};
}

TokenStream open_stream(const std::vector<TokenFileInfo>& files, std::int64_t vocabulary) {
  std::vector<TokenFile> opened;
  for (const TokenFileInfo& file : files) opened.push_back(TokenFile::reopen(file));
  return {std::move(opened), vocabulary};
}

void check_stream(const TokenStream& stream, std::int64_t model_vocabulary) {
  const std::int64_t limit = std::min(stream.vocabulary(), model_vocabulary);
  const auto position = stream.first_from(limit);
  if (!position) return;
  const TokenPlace place = stream.locate(*position);
  throw DataError(text(place.path, ": token ", place.index, " is ", stream.at(*position), ", expected less than ",
                       limit, " (vocabulary of the data ", stream.vocabulary(), ", of the model ", model_vocabulary,
                       "); set data.vocabulary and model.vocabulary to the one the tokens were made with"));
}

}  // namespace

DatasetHeader read_dataset_header(const DataConfig& config) {
  if (config.path.empty()) throw DataError("data.path is empty; name a folder made by isobath prepare or a token file");
  TokenSource source = discover_tokens(config.path, config.format);
  DatasetHeader header;
  header.tokenizer = source.files.front().tokenizer;
  header.vocabulary = resolve_vocabulary(source.files.front(), config.vocabulary);
  header.characters = source.characters;
  header.train = source.files;
  add_validation(header, config, source);
  for (const TokenFileInfo& file : header.train) require_same_kind(header.train.front(), file, config.vocabulary);
  for (const TokenFileInfo& file : header.validation) require_same_kind(header.train.front(), file, config.vocabulary);
  Hasher hasher;
  hasher.update(fingerprint_of(header, header.train)).update(fingerprint_of(header, header.validation));
  header.fingerprint = hasher.finish();
  return header;
}

Dataset open_dataset(const DatasetHeader& header) {
  const auto train = std::make_shared<const TokenStream>(open_stream(header.train, header.vocabulary));
  Dataset out;
  out.vocabulary = header.vocabulary;
  out.tokenizer = make_tokenizer(header.tokenizer, header.characters);
  out.fingerprint = header.fingerprint;
  if (!header.validation.empty()) {
    out.train = TokenSplit::whole(train);
    out.validation =
        TokenSplit::whole(std::make_shared<const TokenStream>(open_stream(header.validation, header.vocabulary)));
    return out;
  }
  InterleavedSegments segments = interleave(train->size(), header.split);
  out.train = {train, std::move(segments.train)};
  out.validation = {train, std::move(segments.validation)};
  return out;
}

void check_context(const DatasetHeader& header, std::int64_t context) {
  const bool held_out = header.validation.empty();
  const SplitRule rule = held_out ? header.split : SplitRule{};
  WindowIndex(interleave(header.train_tokens(), rule).train, context);
}

void check_vocabulary(const Dataset& dataset, std::int64_t model_vocabulary) {
  check_stream(*dataset.train.stream, model_vocabulary);
  if (dataset.has_validation() && dataset.validation.stream != dataset.train.stream)
    check_stream(*dataset.validation.stream, model_vocabulary);
  if (dataset.vocabulary > model_vocabulary)
    throw DataError(text("the dataset has a vocabulary of ", dataset.vocabulary, ", the model one of ",
                         model_vocabulary, "; raise model.vocabulary to the dataset's, or leave it out"));
}

}  // namespace isobath
