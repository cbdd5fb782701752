#include "data/prepare/prepare.hpp"

#include <utility>

#include "data/files/folder_lock.hpp"
#include "data/files/text_reader.hpp"
#include "data/prepare/dataset_manifest.hpp"
#include "data/prepare/shard_writer.hpp"
#include "data/prepare/survey.hpp"
#include "data/text/tokenizer.hpp"
#include "data/text/utf8.hpp"
#include "ops/core/error.hpp"
#include "ops/core/files/durable.hpp"

namespace isobath {
namespace {

void check(const PrepareOptions& options) {
  const auto refuse = [](const auto&... parts) { throw Error(ExitCode::Usage, text("prepare: ", parts...)); };
  if (options.inputs.empty()) refuse("no text given; name at least one file");
  if (options.output.empty()) refuse("no output folder given");
  if (options.tokenizer == TokenizerKind::External) refuse("choose a tokenizer: bytes or characters");
  if (options.shard_tokens < 1) refuse("shards of ", options.shard_tokens, " tokens; give at least 1");
  if (!options.vocabulary.empty() && options.tokenizer != TokenizerKind::Characters)
    refuse("a vocabulary goes with the tokenizer characters, not with ", name_of(options.tokenizer));
}

CharacterVocabulary choose_vocabulary(const PrepareOptions& options, const Survey& survey) {
  if (options.vocabulary.empty()) return survey.characters;
  CharacterVocabulary given = CharacterVocabulary::read(options.vocabulary);
  for (const char32_t code : survey.characters.characters())
    if (given.number_of(code) < 0)
      throw DataError(text(options.vocabulary.string(), ": has no ", name_of_code_point(code),
                           ", which the texts use; build the vocabulary from all texts, or use the tokenizer bytes"));
  return given;
}

DatasetManifest plan_of(const PrepareOptions& options, const Survey& survey, const CharacterVocabulary& characters,
                        const Tokenizer& tokenizer) {
  DatasetManifest plan;
  plan.tokenizer = options.tokenizer;
  plan.vocabulary = tokenizer.vocabulary();
  plan.vocabulary_fingerprint = characters.fingerprint();
  plan.tokens = survey.tokens;
  plan.shard_tokens = options.shard_tokens;
  plan.source_fingerprint = survey.fingerprint;
  plan.sources = survey.sources;
  return plan;
}

// Throws DataError naming what differs.
void require_same(const DatasetManifest& there, const DatasetManifest& plan, const std::filesystem::path& folder) {
  const char* difference = nullptr;
  if (there.shard_tokens != plan.shard_tokens) difference = "another shard size";
  if (there.vocabulary_fingerprint != plan.vocabulary_fingerprint) difference = "another vocabulary";
  if (there.tokenizer != plan.tokenizer) difference = "another tokenizer";
  if (there.source_fingerprint != plan.source_fingerprint) difference = "other texts";
  if (difference != nullptr)
    throw DataError(text(folder.string(), ": holds a dataset made with ", difference,
                         "; choose another output folder, or allow overwriting"));
}

Fingerprint encode_texts(const PrepareOptions& options, const Tokenizer& tokenizer, ShardWriter& writer) {
  SourceDigest digest;
  std::vector<std::int32_t> tokens;
  for (const auto& input : options.inputs) {
    const auto encoder = tokenizer.stream(input.string());
    for_each_block(input, [&](std::span<const std::byte> block) {
      leave_if_asked();
      digest.update(block);
      tokens.clear();
      encoder->encode(block, tokens);
      writer.append(tokens);
    });
    encoder->finish();
    digest.end_text();
  }
  return digest.finish();
}

// Stopped on request, it leaves no shards: a dataset is all of them.
std::vector<DatasetManifest::Shard> write_shards(const PrepareOptions& options, const DatasetManifest& plan,
                                                 const Tokenizer& tokenizer) {
  try {
    ShardWriter writer(options.output, plan);
    if (encode_texts(options, tokenizer, writer) != plan.source_fingerprint) refuse_changed_texts();
    return writer.finish();
  } catch (const Error& error) {
    if (error.code() == ExitCode::Requeue) remove_stale_shards(options.output, {});
    throw;
  }
}

// dataset.json goes first and comes last: at no moment does it describe anything but what is there.
DatasetManifest write(const PrepareOptions& options, DatasetManifest plan, const CharacterVocabulary& characters,
                      const Tokenizer& tokenizer) {
  std::error_code problem;
  std::filesystem::remove(options.output / kManifestFile, problem);
  if (problem)
    throw StorageError(text((options.output / kManifestFile).string(), ": cannot be removed: ", problem.message()));
  sync_directory(options.output);
  if (characters.size() > 0) write_durably(options.output / kVocabularyFile, characters.to_json());
  plan.shards = write_shards(options, plan, tokenizer);
  remove_stale_shards(options.output, plan.shards);
  write_durably(options.output / kManifestFile, plan.to_json());
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

}  // namespace

PrepareReport prepare(const PrepareOptions& options) {
  check(options);
  const Survey survey = survey_texts(options.inputs, options.tokenizer);
  const CharacterVocabulary characters = choose_vocabulary(options, survey);
  const auto tokenizer = make_tokenizer(options.tokenizer, characters);
  const DatasetManifest plan = plan_of(options, survey, characters, *tokenizer);
  const FolderLock lock(options.output);
  std::error_code unknown;
  const bool finished = std::filesystem::exists(options.output / kManifestFile, unknown);
  if (!finished || options.on_existing == OnExisting::Overwrite)
    return report(PrepareOutcome::Written, survey, write(options, plan, characters, *tokenizer));
  const DatasetManifest there = DatasetManifest::read(options.output);
  require_same(there, plan, options.output);
  verify_dataset(options.output);
  return report(PrepareOutcome::AlreadyThere, survey, there);
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
