#include "data/dataset.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "data/discover.hpp"
#include "data/order/mixture.hpp"
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
  return dataset_fingerprint(header.tokenizer, header.vocabulary, header.data.fingerprint(), pieces);
}

void require_same_numbers(const TokenizerData& first, const TokenizerData& other, const std::string& path,
                          const std::string& first_path) {
  if (other.fingerprint() != first.fingerprint())
    throw DataError(text(path, ": its tokens are numbered otherwise than those of ", first_path,
                         "; prepare it with the vocabulary.json, or other tokenizer file, of the training data"));
}

// Validation files of the sources: of all of them, or of none.
void add_own_validation(DatasetHeader& header, std::vector<TokenSource>& sources) {
  const auto with = std::count_if(sources.begin(), sources.end(), [](const auto& s) { return !s.validation.empty(); });
  if (with != 0 && with != static_cast<std::ptrdiff_t>(sources.size()))
    throw DataError(text(with, " of ", sources.size(),
                         " sources have validation files beside them; name the ones to use in data.validation_path"));
  for (TokenSource& source : sources)
    std::move(source.validation.begin(), source.validation.end(), std::back_inserter(header.validation));
}

void add_validation(DatasetHeader& header, const DataConfig& config, std::vector<TokenSource>& sources,
                    const std::string& first_path) {
  if (!config.validation_path.empty()) {
    TokenSource given = discover_tokens(config.validation_path, config.format);
    require_same_kind(sources.front().files.front(), given.files.front(), config.vocabulary);
    require_same_numbers(sources.front().data, given.data, config.validation_path, first_path);
    header.validation = std::move(given.validation.empty() ? given.files : given.validation);
  } else {
    add_own_validation(header, sources);
  }
  if (header.validation.empty()) header.split = {config.validation_fraction, config.validation_block};
}

/// Blocks of one source, as positions in the stream of all.
struct SourceBlocks {
  InterleavedSegments segments;
  std::int64_t weight = 1;
};

std::vector<SourceBlocks> divide(const DatasetHeader& header) {
  const SplitRule rule = header.validation.empty() ? header.split : SplitRule{};
  std::vector<SourceBlocks> out;
  std::int64_t begin = 0;
  for (const std::int64_t tokens : header.source_tokens()) {
    SourceBlocks blocks{interleave(tokens, rule), 1};
    for (auto* const segments : {&blocks.segments.train, &blocks.segments.validation})
      for (Segment& segment : *segments) segment = {segment.begin + begin, segment.end + begin};
    if (!header.sources.empty()) blocks.weight = header.sources[out.size()].weight;
    out.push_back(std::move(blocks));
    begin += tokens;
  }
  return out;
}

TokenSplit training_split(const DatasetHeader& header, std::shared_ptr<const TokenStream> stream) {
  TokenSplit out{std::move(stream), {}};
  for (const SourceBlocks& source : divide(header)) {
    const std::vector<Segment>& segments = source.segments.train;
    out.segments.insert(out.segments.end(), segments.begin(), segments.end());
    if (!header.sources.empty()) out.mixture.push_back({segments.size(), source.weight});
  }
  return out;
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
  std::vector<std::string> paths = config.sources;
  if (paths.empty()) paths = {config.path};
  if (paths.front().empty())
    throw DataError("data.path is empty; name a folder made by isobath prepare or a token file");
  std::vector<TokenSource> sources;
  for (const std::string& path : paths) sources.push_back(discover_tokens(path, config.format));
  DatasetHeader header;
  header.tokenizer = sources.front().files.front().tokenizer;
  header.vocabulary = resolve_vocabulary(sources.front().files.front(), config.vocabulary);
  header.data = sources.front().data;
  const std::vector<std::int64_t> weights =
      config.sources.empty() ? std::vector<std::int64_t>{} : whole_weights(config.weights);
  for (std::size_t i = 0; i < sources.size(); ++i) {
    require_same_numbers(header.data, sources[i].data, paths[i], paths.front());
    header.train.insert(header.train.end(), sources[i].files.begin(), sources[i].files.end());
    if (!weights.empty()) header.sources.push_back({static_cast<std::int64_t>(sources[i].files.size()), weights.at(i)});
  }
  add_validation(header, config, sources, paths.front());
  for (const TokenFileInfo& file : header.train) require_same_kind(header.train.front(), file, config.vocabulary);
  for (const TokenFileInfo& file : header.validation) require_same_kind(header.train.front(), file, config.vocabulary);
  Hasher hasher;
  hasher.update(fingerprint_of(header, header.train)).update(fingerprint_of(header, header.validation));
  for (const DatasetSource& source : header.sources)
    hasher.update(static_cast<std::uint64_t>(source.files)).update(static_cast<std::uint64_t>(source.weight));
  header.fingerprint = hasher.finish();
  return header;
}

Dataset open_dataset(const DatasetHeader& header) {
  const auto train = std::make_shared<const TokenStream>(open_stream(header.train, header.vocabulary));
  Dataset out;
  out.vocabulary = header.vocabulary;
  out.tokenizer = make_tokenizer(header.tokenizer, header.data);
  out.fingerprint = header.fingerprint;
  out.train = training_split(header, train);
  if (!header.validation.empty()) {
    out.validation =
        TokenSplit::whole(std::make_shared<const TokenStream>(open_stream(header.validation, header.vocabulary)));
    return out;
  }
  out.validation.stream = train;
  for (const SourceBlocks& source : divide(header))
    out.validation.segments.insert(out.validation.segments.end(), source.segments.validation.begin(),
                                   source.segments.validation.end());
  return out;
}

void check_context(const DatasetHeader& header, std::int64_t context) {
  for (const SourceBlocks& source : divide(header)) WindowIndex(source.segments.train, context);
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
