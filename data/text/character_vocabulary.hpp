#pragma once
// The characters of a corpus and their numbers; vocabulary.json keeps them beside the tokens.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/files/fingerprint.hpp"

namespace isobath {

inline constexpr const char* kVocabularyFile = "vocabulary.json";

/// Code points in ascending order; a character's number is its index.
class CharacterVocabulary {
 public:
  /// No characters.
  CharacterVocabulary() = default;
  /// Throws DataError, naming `where`, unless `characters` ascends strictly and holds UTF-8 encodable code points only.
  CharacterVocabulary(std::u32string characters, const std::string& where);

  std::int64_t size() const { return static_cast<std::int64_t>(characters_.size()); }
  const std::u32string& characters() const { return characters_; }
  /// The number of `code`; -1 for a character that is not in it.
  std::int32_t number_of(char32_t code) const { return code < numbers_.size() ? numbers_[code] : -1; }
  /// Of the list of code points; of an empty one too.
  Fingerprint fingerprint() const;
  bool operator==(const CharacterVocabulary& other) const { return characters_ == other.characters_; }

  /// vocabulary.json: {"format", "version", "tokenizer", "size", "characters": [one string each], "fingerprint"}.
  std::string to_json() const;
  /// Throws DataError, naming `where`, for any other content, a list that does not match its fingerprint included.
  static CharacterVocabulary from_json(const std::string& json, const std::string& where);
  /// Reads a vocabulary.json. Throws DataError.
  static CharacterVocabulary read(const std::filesystem::path& path);

 private:
  std::u32string characters_;
  std::vector<std::int32_t> numbers_;  // by code point, up to the last one
};

}  // namespace isobath
