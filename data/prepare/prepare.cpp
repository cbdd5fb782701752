#include "data/prepare/prepare.hpp"

#include <algorithm>
#include <utility>

#include "data/documents/text_files.hpp"
#include "data/files/folder_lock.hpp"
#include "data/parts/encode_parts.hpp"
#include "data/parts/part_store.hpp"
#include "data/prepare/choose_tokenizer.hpp"
#include "data/prepare/dataset_manifest.hpp"
#include "data/prepare/shard_writer.hpp"
#include "data/prepare/survey.hpp"
#include "data/text/tokenizer_data.hpp"
#include "ops/core/error.hpp"
#include "ops/core/files/durable.hpp"

namespace isobath {
namespace {

constexpr std::int64_t kCopiedTokens = std::int64_t{1} << 20;  // at a time, from parts to shards

bool has_model(TokenizerKind kind) { return kind == TokenizerKind::Bpe || kind == TokenizerKind::SentencePiece; }

void check(const PrepareOptions& options) {
  const auto refuse = [](const auto&... parts) { throw Error(ExitCode::Usage, text("prepare: ", parts...)); };
  if (options.inputs.empty()) refuse("no text given; name at least one file");
  if (options.output.empty()) refuse("no output folder given");
  if (options.tokenizer == TokenizerKind::External)
    refuse("choose a tokenizer: bytes, characters, bpe or sentencepiece");
  if (options.shard_tokens < 1) refuse("shards of ", options.shard_tokens, " tokens; give at least 1");
  if (options.part_bytes < 1) refuse("parts of ", options.part_bytes, " bytes; give at least 1");
  if (!options.vocabulary.empty() && options.tokenizer == TokenizerKind::Bytes)
    refuse("a vocabulary does not go with the tokenizer ", name_of(options.tokenizer));
  if (has_model(options.tokenizer) && options.vocabulary.empty() && options.entries == 0)
    refuse("the tokenizer ", name_of(options.tokenizer),
           " needs a vocabulary: name its file, or the number of entries to train one on the texts");
  if (options.entries != 0 && (!has_model(options.tokenizer) || !options.vocabulary.empty()))
    refuse("a number of entries is for a vocabulary that is trained, of bpe or sentencepiece");
  if (options.documents == DocumentUnit::Jsonl && options.tokenizer == TokenizerKind::Characters)
    refuse("characters are counted in plain texts only; choose another tokenizer for JSON lines");
}

DatasetManifest plan_of(const PrepareOptions& options, const Survey& survey, const DocumentRule& documents) {
  DatasetManifest plan;
  plan.tokenizer = options.tokenizer;
  plan.shard_tokens = options.shard_tokens;
  plan.documents = documents.name();
  plan.source_fingerprint = survey.fingerprint;
  plan.sources = survey.sources;
  return plan;
}

void set_tokenizer(DatasetManifest& plan, const ChosenTokenizer& chosen) {
  plan.vocabulary = chosen.tokenizer->vocabulary();
  plan.vocabulary_fingerprint = chosen.fingerprint;
}

// What the parts in the store depend on.
Fingerprint name_of_work(const DatasetManifest& plan, const PrepareOptions& options, const ChosenTokenizer& given) {
  Hasher hasher;
  hasher.update(plan.source_fingerprint).update(static_cast<std::uint64_t>(plan.tokenizer)).update(given.fingerprint);
  hasher.update(plan.vocabulary_fingerprint);  // of characters, which are known by now
  hasher.update(plan.documents).update(static_cast<std::uint64_t>(options.part_bytes));
  hasher.update(static_cast<std::uint64_t>(options.entries));
  return hasher.finish();
}

// Throws DataError naming what differs.
void require_same(const DatasetManifest& there, const DatasetManifest& plan, const std::filesystem::path& folder) {
  const char* difference = nullptr;
  if (there.shard_tokens != plan.shard_tokens) difference = "another shard size";
  if (there.documents != plan.documents) difference = "other documents";
  if (there.vocabulary_fingerprint != plan.vocabulary_fingerprint) difference = "another vocabulary";
  if (there.tokenizer != plan.tokenizer) difference = "another tokenizer";
  if (there.source_fingerprint != plan.source_fingerprint) difference = "other texts";
  if (difference != nullptr)
    throw DataError(text(folder.string(), ": holds a dataset made with ", difference,
                         "; choose another output folder, or allow overwriting"));
}

std::vector<DatasetManifest::Shard> to_shards(const std::vector<std::int64_t>& counts, const PartStore& store,
                                              const std::filesystem::path& output, const DatasetManifest& plan) {
  ShardWriter writer(output, plan);
  std::vector<std::int32_t> tokens;
  for (std::size_t part = 0; part < counts.size(); ++part) {
    if (counts[part] == 0) continue;
    const TokenFile file = TokenFile::read(store.file(part), TokenFormat::Shard);
    for (std::int64_t at = 0; at < counts[part]; at += kCopiedTokens) {
      leave_if_asked();
      tokens.resize(static_cast<std::size_t>(std::min(kCopiedTokens, counts[part] - at)));
      file.copy(at, tokens);
      writer.append(tokens);
    }
  }
  return writer.finish();
}

// Stopped on request, it leaves no shards: a dataset is all of them, and the parts are still there.
std::vector<DatasetManifest::Shard> write_shards(const std::vector<std::int64_t>& counts, const PartStore& store,
                                                 const std::filesystem::path& output, const DatasetManifest& plan) {
  try {
    return to_shards(counts, store, output, plan);
  } catch (const Error& error) {
    if (error.code() == ExitCode::Requeue) remove_stale_shards(output, {});
    throw;
  }
}

// dataset.json goes first and comes last: at no moment does it describe anything but what is there.
void remove_manifest(const std::filesystem::path& output) {
  std::error_code problem;
  std::filesystem::remove(output / kManifestFile, problem);
  if (problem) throw StorageError(text((output / kManifestFile).string(), ": cannot be removed: ", problem.message()));
  sync_directory(output);
}

struct Texts {
  std::vector<std::filesystem::path> paths;
  Survey survey;
  DocumentRule documents;
};

DatasetManifest write(const PrepareOptions& options, const Texts& texts, const ChosenTokenizer& given,
                      DatasetManifest plan) {
  remove_manifest(options.output);
  const PartStore store(options.output);
  store.open(name_of_work(plan, options, given));
  const auto tell = [&, done = std::int64_t{0}](std::int64_t bytes) mutable {
    done += bytes;
    if (options.progress) options.progress({"encoding", done, texts.survey.bytes});
  };
  if (options.progress) options.progress({given.tokenizer ? "encoding" : "learning", 0, texts.survey.bytes});
  const ChosenTokenizer chosen = tokenizer_of(options, given, texts.documents, texts.paths, texts.survey, store);
  set_tokenizer(plan, chosen);
  if (const char* const file = tokenizer_file(plan.tokenizer)) write_durably(options.output / file, chosen.content);
  const std::vector<std::int64_t> counts = options.encode({.texts = texts.paths,
                                                           .parts = texts.survey.parts,
                                                           .tokenizer = *chosen.tokenizer,
                                                           .documents = texts.documents,
                                                           .store = store,
                                                           .vocabulary = chosen.fingerprint,
                                                           .threads = options.threads,
                                                           .done = tell});
  for (const std::int64_t count : counts) plan.tokens += count;
  if (plan.tokens == 0)
    throw DataError(text(options.inputs.front().string(), ": the texts make no tokens, there is nothing to prepare"));
  plan.shards = write_shards(counts, store, options.output, plan);
  remove_stale_shards(options.output, plan.shards);
  write_durably(options.output / kManifestFile, plan.to_json());
  store.remove();
  return plan;
}

PrepareReport report(PrepareOutcome outcome, const Survey& survey, const DatasetManifest& manifest) {
  return {outcome,
          survey.bytes,
          manifest.tokens,
          manifest.vocabulary,
          static_cast<std::int64_t>(manifest.shards.size()),
          manifest.fingerprint()};
}

// Training is repeatable: what it would make of the same texts and the same size is what is there.
bool would_train(const PrepareOptions& options, const ChosenTokenizer& given, const DatasetManifest& there) {
  return !given.tokenizer && has_model(options.tokenizer) && there.trained_entries == options.entries;
}

}  // namespace

PrepareReport prepare(const PrepareOptions& options) {
  check(options);
  const ChosenTokenizer given = given_tokenizer(options);
  const bool is_trained = !given.tokenizer && has_model(options.tokenizer);
  const bool has_end = given.tokenizer ? given.tokenizer->end_token().has_value() : is_trained;
  Texts texts;
  texts.documents = documents_of(options, has_end ? HasEndToken::Yes : HasEndToken::No);
  texts.paths = text_files(options.inputs);
  const TextCuts cuts = given.tokenizer                                     ? given.tokenizer->cuts()
                        : options.tokenizer == TokenizerKind::SentencePiece ? TextCuts::Never
                                                                            : TextCuts::BeforeSpaces;
  texts.survey = survey_texts(texts.paths, {options.tokenizer, texts.documents.unit, cuts, options.part_bytes});
  DatasetManifest plan = plan_of(options, texts.survey, texts.documents);
  plan.trained_entries = is_trained ? options.entries : 0;
  if (options.tokenizer == TokenizerKind::Characters)
    set_tokenizer(plan, tokenizer_of(options, given, texts.documents, texts.paths, texts.survey, PartStore({})));
  const FolderLock lock(options.output);
  std::error_code unknown;
  const bool finished = std::filesystem::exists(options.output / kManifestFile, unknown);
  if (!finished || options.on_existing == OnExisting::Overwrite)
    return report(PrepareOutcome::Written, texts.survey, write(options, texts, given, std::move(plan)));
  const DatasetManifest there = DatasetManifest::read(options.output);
  if (given.tokenizer) set_tokenizer(plan, given);
  if (would_train(options, given, there)) plan.vocabulary_fingerprint = there.vocabulary_fingerprint;
  require_same(there, plan, options.output);
  verify_dataset(options.output);
  return report(PrepareOutcome::AlreadyThere, texts.survey, there);
}

void verify_dataset(const std::filesystem::path& folder) {
  const DatasetManifest manifest = DatasetManifest::read(folder);
  read_vocabulary(manifest, folder);
  for (const TokenFile& file : open_shards(manifest, folder)) {
    leave_if_asked();
    verify_content(file, manifest.vocabulary);
  }
}

}  // namespace isobath
