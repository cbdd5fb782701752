#include "data/prepare/dataset_manifest.hpp"

#include <utility>

#include "data/files/text_reader.hpp"
#include "ops/core/error.hpp"
#include "ops/core/files/json.hpp"

namespace isobath {
namespace {

constexpr const char* kFormat = "isobath.dataset";
constexpr int kVersion = 1;
constexpr std::size_t kMostBytes = std::size_t{64} << 20;
constexpr const char* kRemedy = "; copy the folder again from its origin, or prepare it again with overwriting allowed";

Fingerprint fingerprint_at(const nlohmann::json& json, const char* key, const std::string& where) {
  return Fingerprint::from_hex(json.at(key).get_ref<const std::string&>(), where);
}

// A JSON integer; numbers with a fraction would be cut silently by get<>().
std::int64_t count_at(const nlohmann::json& json, const char* key, const std::string& where) {
  const auto& value = json.at(key);
  if (!value.is_number_integer() || value.get<std::int64_t>() < 0)
    throw DataError(text(where, ": \"", key, "\" is ", value.dump(), ", expected a count", kRemedy));
  return value.get<std::int64_t>();
}

std::vector<DatasetManifest::Shard> shards_of(const nlohmann::json& json, const std::string& where) {
  std::vector<DatasetManifest::Shard> out;
  for (const auto& file : json.at("files")) {
    const auto& name = file.at("name").get_ref<const std::string&>();
    if (name.empty() || name.find('/') != std::string::npos)
      throw DataError(text(where, ": file name \"", name, "\" leaves the folder", kRemedy));
    out.push_back({name, {count_at(file, "tokens", where), fingerprint_at(file, "fingerprint", where)}});
  }
  return out;
}

void check(const DatasetManifest& manifest, const Fingerprint& recorded, const std::string& where) {
  std::int64_t sum = 0;
  for (const auto& shard : manifest.shards) sum += shard.content.tokens;
  if (sum != manifest.tokens || sum == 0)
    throw DataError(
        text(where, ": says ", manifest.tokens, " tokens, its ", manifest.shards.size(), " files make ", sum, kRemedy));
  if (manifest.fingerprint() != recorded)
    throw DataError(text(where, ": is damaged: its entries have fingerprint ", manifest.fingerprint().hex(),
                         ", recorded is ", recorded.hex(), kRemedy));
}

DatasetManifest parse(const nlohmann::json& json, const std::string& where) {
  if (json.at("format") != kFormat || json.at("version") != kVersion)
    throw DataError(text(where, ": is ", json.at("format").dump(), " version ", json.at("version").dump(),
                         ", expected \"", kFormat, "\" version ", kVersion,
                         "; prepare the data again, or use the isobath that wrote it"));
  DatasetManifest out;
  const auto& tokenizer = json.at("tokenizer").get_ref<const std::string&>();
  const auto kind = tokenizer_kind_of(tokenizer);
  if (!kind) throw DataError(text(where, ": tokenizer \"", tokenizer, "\" is unknown", kRemedy));
  out.tokenizer = *kind;
  out.vocabulary = count_at(json, "vocabulary_size", where);
  out.vocabulary_fingerprint = fingerprint_at(json, "vocabulary_fingerprint", where);
  out.tokens = count_at(json, "tokens", where);
  out.shard_tokens = count_at(json, "shard_tokens", where);
  if (json.contains("trained_entries")) out.trained_entries = count_at(json, "trained_entries", where);
  out.documents = json.value("documents", out.documents);
  out.source_fingerprint = fingerprint_at(json, "source_fingerprint", where);
  for (const auto& source : json.at("sources"))
    out.sources.push_back({source.at("name").get<std::string>(), count_at(source, "bytes", where)});
  out.shards = shards_of(json, where);
  check(out, fingerprint_at(json, "fingerprint", where), where);
  return out;
}

}  // namespace

Fingerprint dataset_fingerprint(TokenizerKind tokenizer, std::int64_t vocabulary,
                                const Fingerprint& vocabulary_fingerprint, const std::vector<TokenPiece>& pieces) {
  Hasher hasher;
  hasher.update(static_cast<std::uint64_t>(tokenizer)).update(static_cast<std::uint64_t>(vocabulary));
  hasher.update(vocabulary_fingerprint);
  for (const TokenPiece& piece : pieces)
    hasher.update(static_cast<std::uint64_t>(piece.tokens)).update(piece.fingerprint);
  return hasher.finish();
}

Fingerprint DatasetManifest::fingerprint() const {
  std::vector<TokenPiece> pieces;
  for (const Shard& shard : shards) pieces.push_back(shard.content);
  return dataset_fingerprint(tokenizer, vocabulary, vocabulary_fingerprint, pieces);
}

std::string DatasetManifest::to_json() const {
  nlohmann::ordered_json json;
  json["format"] = kFormat;
  json["version"] = kVersion;
  json["tokenizer"] = name_of(tokenizer);
  json["vocabulary_size"] = vocabulary;
  json["vocabulary_fingerprint"] = vocabulary_fingerprint.hex();
  json["tokens"] = tokens;
  json["shard_tokens"] = shard_tokens;
  json["fingerprint"] = fingerprint().hex();
  if (trained_entries > 0) json["trained_entries"] = trained_entries;
  json["documents"] = documents;
  json["source_fingerprint"] = source_fingerprint.hex();
  for (const Source& source : sources) json["sources"].push_back({{"name", source.name}, {"bytes", source.bytes}});
  for (const Shard& shard : shards)
    json["files"].push_back(
        {{"name", shard.name}, {"tokens", shard.content.tokens}, {"fingerprint", shard.content.fingerprint.hex()}});
  // A source's name may be any bytes; what is not UTF-8 in it is for people to read only.
  return json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

DatasetManifest DatasetManifest::from_json(const std::string& json, const std::string& where) {
  try {
    return parse(nlohmann::json::parse(json), where);
  } catch (const nlohmann::json::exception& error) {
    throw DataError(text(where, ": is no dataset manifest: ", error.what(), kRemedy));
  }
}

DatasetManifest DatasetManifest::read(const std::filesystem::path& folder) {
  const auto path = folder / kManifestFile;
  return from_json(read_text(path, kMostBytes), path.string());
}

TokenizerData read_vocabulary(const DatasetManifest& manifest, const std::filesystem::path& folder) {
  TokenizerData out;
  if (manifest.tokenizer == TokenizerKind::Characters) {
    out.characters = CharacterVocabulary::read(folder / kVocabularyFile);
  } else if (const char* const file = tokenizer_file(manifest.tokenizer)) {
    out.path = (folder / file).string();
    out.content = Hasher().update(std::string_view(read_text(out.path, kMostModelBytes))).finish();
  } else {
    return out;
  }
  if (out.fingerprint() != manifest.vocabulary_fingerprint)
    throw DataError(text((folder / tokenizer_file(manifest.tokenizer)).string(),
                         ": is not what the tokens were made with (", manifest.vocabulary, " entries, fingerprint ",
                         manifest.vocabulary_fingerprint.hex(), "), but has fingerprint ", out.fingerprint().hex(),
                         kRemedy));
  return out;
}

std::vector<TokenFile> open_shards(const DatasetManifest& manifest, const std::filesystem::path& folder) {
  std::vector<TokenFile> files;
  for (const auto& shard : manifest.shards) {
    files.push_back(TokenFile::read(folder / shard.name, TokenFormat::Shard));
    const TokenFileInfo& info = files.back().info();
    if (info.count != shard.content.tokens || info.fingerprint != shard.content.fingerprint ||
        info.vocabulary != manifest.vocabulary || info.tokenizer != manifest.tokenizer)
      throw DataError(text(info.path, ": is not the file ", kManifestFile, " lists: ", info.count,
                           " tokens, vocabulary ", info.vocabulary, ", fingerprint ", info.fingerprint.hex(),
                           "; listed are ", shard.content.tokens, ", ", manifest.vocabulary, ", ",
                           shard.content.fingerprint.hex(), kRemedy));
  }
  return files;
}

}  // namespace isobath
