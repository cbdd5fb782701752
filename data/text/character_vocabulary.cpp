#include "data/text/character_vocabulary.hpp"

#include <utility>

#include "data/files/text_reader.hpp"
#include "data/text/utf8.hpp"
#include "ops/core/error.hpp"
#include "ops/core/files/json.hpp"

namespace isobath {
namespace {

constexpr const char* kVocabularyFormat = "isobath.vocabulary";
constexpr int kVocabularyVersion = 1;
constexpr std::size_t kMostVocabularyBytes = std::size_t{64} << 20;  // all of Unicode as JSON needs less
constexpr const char* kVocabularyRemedy = "; copy it again from its origin, or prepare the data again";

char32_t only_character_of(const std::string& entry, const std::string& where) {
  Utf8Decoder decoder(where);
  std::u32string codes;
  decoder.decode(std::as_bytes(std::span(entry)), codes);
  decoder.finish();
  if (codes.size() != 1)
    throw DataError(
        text(where, ": entry \"", entry, "\" has ", codes.size(), " characters, expected one", kVocabularyRemedy));
  return codes[0];
}

}  // namespace

CharacterVocabulary::CharacterVocabulary(std::u32string characters, const std::string& where)
    : characters_(std::move(characters)) {
  for (std::size_t i = 0; i < characters_.size(); ++i) {
    const char32_t code = characters_[i];
    if (!is_scalar(code) || (i > 0 && code <= characters_[i - 1]))
      throw DataError(text(where, ": entry ", i, " of the vocabulary, ", name_of_code_point(code),
                           ", is no character or out of order", kVocabularyRemedy));
  }
  if (characters_.empty()) return;
  numbers_.assign(static_cast<std::size_t>(characters_.back()) + 1, -1);
  for (std::size_t i = 0; i < characters_.size(); ++i) numbers_[characters_[i]] = static_cast<std::int32_t>(i);
}

Fingerprint CharacterVocabulary::fingerprint() const {
  Hasher hasher;
  for (const char32_t code : characters_) hasher.update(static_cast<std::uint64_t>(code));
  return hasher.finish();
}

std::string CharacterVocabulary::to_json() const {
  nlohmann::ordered_json json;
  json["format"] = kVocabularyFormat;
  json["version"] = kVocabularyVersion;
  json["tokenizer"] = "characters";
  json["size"] = size();
  json["characters"] = nlohmann::ordered_json::array();
  for (const char32_t code : characters_) {
    std::string entry;
    append_utf8(code, entry);
    json["characters"].push_back(entry);
  }
  json["fingerprint"] = fingerprint().hex();
  constexpr int kIndent = 1;
  return json.dump(kIndent, ' ', true) + '\n';  // ASCII only: control characters and combining marks stay readable
}

CharacterVocabulary CharacterVocabulary::from_json(const std::string& json, const std::string& where) {
  try {
    const auto parsed = nlohmann::json::parse(json);
    if (parsed.at("format") != kVocabularyFormat || parsed.at("version") != kVocabularyVersion)
      throw DataError(text(where, ": is ", parsed.at("format").dump(), " version ", parsed.at("version").dump(),
                           ", expected \"", kVocabularyFormat, "\" version ", kVocabularyVersion,
                           "; prepare the data again"));
    std::u32string characters;
    for (const auto& entry : parsed.at("characters"))
      characters += only_character_of(entry.get_ref<const std::string&>(), where);
    CharacterVocabulary out(std::move(characters), where);
    const auto recorded = Fingerprint::from_hex(parsed.at("fingerprint").get_ref<const std::string&>(), where);
    if (out.fingerprint() != recorded || out.size() == 0)
      throw DataError(text(where, ": its ", out.size(), " characters do not match its fingerprint", kVocabularyRemedy));
    return out;
  } catch (const nlohmann::json::exception& error) {
    throw DataError(text(where, ": is no vocabulary: ", error.what(), kVocabularyRemedy));
  }
}

CharacterVocabulary CharacterVocabulary::read(const std::filesystem::path& path) {
  return from_json(read_text(path, kMostVocabularyBytes), path.string());
}

}  // namespace isobath
