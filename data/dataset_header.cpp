#include "data/dataset_header.hpp"

#include <array>
#include <utility>

#include "ops/core/error.hpp"
#include "ops/core/files/json.hpp"

namespace isobath {
namespace {

using Json = nlohmann::json;

constexpr const char* kWhere = "dataset header from rank 0";

Json to_json(const TokenFileInfo& info) {
  return {{"path", info.path},
          {"format", static_cast<int>(info.format)},
          {"type", static_cast<std::uint32_t>(info.type)},
          {"tokenizer", static_cast<std::uint32_t>(info.tokenizer)},
          {"offset", info.offset},
          {"count", info.count},
          {"vocabulary", info.vocabulary},
          {"fingerprint", info.fingerprint.hex()}};
}

Fingerprint fingerprint_at(const Json& json) {
  return Fingerprint::from_hex(json.at("fingerprint").get_ref<const std::string&>(), kWhere);
}

// `value` as an enumeration, if it is one of `known`.
template <class E, std::size_t N>
E enum_at(const Json& json, const char* key, const std::array<E, N>& known) {
  const auto value = json.at(key).get<std::int64_t>();
  for (const E candidate : known)
    if (static_cast<std::int64_t>(candidate) == value) return candidate;
  throw DataError(text(kWhere, ": ", key, ' ', value, " does not exist; run the same version on every rank"));
}

TokenizerKind tokenizer_at(const Json& json) { return enum_at(json, "tokenizer", kTokenizerKinds); }

TokenFileInfo info_from(const Json& json) {
  return {json.at("path").get<std::string>(),        enum_at(json, "format", kTokenFormats),
          enum_at(json, "type", kTokenTypes),        tokenizer_at(json),
          json.at("offset").get<std::int64_t>(),     json.at("count").get<std::int64_t>(),
          json.at("vocabulary").get<std::int64_t>(), fingerprint_at(json)};
}

Json to_json(const std::vector<TokenFileInfo>& files) {
  Json out = Json::array();
  for (const TokenFileInfo& file : files) out.push_back(to_json(file));
  return out;
}

std::vector<TokenFileInfo> infos_from(const Json& json) {
  std::vector<TokenFileInfo> out;
  for (const Json& file : json) out.push_back(info_from(file));
  return out;
}

std::int64_t tokens_of(const std::vector<TokenFileInfo>& files) {
  std::int64_t sum = 0;
  for (const TokenFileInfo& file : files) sum += file.count;
  return sum;
}

DatasetHeader parse(const Json& json) {
  DatasetHeader out;
  out.tokenizer = tokenizer_at(json);
  out.vocabulary = json.at("vocabulary").get<std::int64_t>();
  std::u32string characters;
  for (const Json& code : json.at("characters")) characters += static_cast<char32_t>(code.get<std::uint32_t>());
  out.data.characters = CharacterVocabulary(std::move(characters), kWhere);
  out.data.path = json.at("model").at("path").get<std::string>();
  out.data.content = fingerprint_at(json.at("model"));
  out.train = infos_from(json.at("train"));
  for (const Json& source : json.at("sources"))
    out.sources.push_back({source.at(0).get<std::int64_t>(), source.at(1).get<std::int64_t>()});
  out.validation = infos_from(json.at("validation"));
  out.split = {json.at("split").at("fraction").get<double>(), json.at("split").at("block").get<std::int64_t>()};
  out.fingerprint = fingerprint_at(json);
  return out;
}

}  // namespace

std::int64_t DatasetHeader::train_tokens() const { return tokens_of(train); }
std::int64_t DatasetHeader::validation_tokens() const { return tokens_of(validation); }

std::vector<std::int64_t> DatasetHeader::source_tokens() const {
  if (sources.empty()) return {train_tokens()};
  std::vector<std::int64_t> out;
  auto file = train.begin();
  for (const DatasetSource& source : sources) {
    require(source.files <= train.end() - file, "a source of ", source.files, " files of ", train.size());
    out.push_back(tokens_of({file, file + source.files}));
    file += source.files;
  }
  return out;
}

std::string DatasetHeader::to_json() const {
  Json codes = Json::array();
  for (const char32_t code : data.characters.characters()) codes.push_back(static_cast<std::uint32_t>(code));
  Json shares = Json::array();
  for (const DatasetSource& source : sources) shares.push_back({source.files, source.weight});
  const Json json = {{"tokenizer", static_cast<std::uint32_t>(tokenizer)},
                     {"vocabulary", vocabulary},
                     {"characters", std::move(codes)},
                     {"model", {{"path", data.path}, {"fingerprint", data.content.hex()}}},
                     {"train", isobath::to_json(train)},
                     {"sources", std::move(shares)},
                     {"validation", isobath::to_json(validation)},
                     {"split", {{"fraction", split.fraction}, {"block", split.block}}},
                     {"fingerprint", fingerprint.hex()}};
  return json.dump();
}

DatasetHeader DatasetHeader::from_json(const std::string& json) {
  try {
    return parse(Json::parse(json));
  } catch (const Json::exception& error) {
    throw DataError(text(kWhere, ": ", error.what(), "; run the same version on every rank"));
  }
}

}  // namespace isobath
