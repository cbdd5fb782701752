#pragma once
// The first pass over the texts: what is in them, before anything is written.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "data/files/fingerprint.hpp"
#include "data/parts/part_plan.hpp"
#include "data/prepare/dataset_manifest.hpp"
#include "data/text/character_vocabulary.hpp"
#include "data/text/tokenizer_kind.hpp"

namespace isobath {

/// Fingerprint of several texts in order. Both passes compute it: a text that changed in between shows.
class SourceDigest {
 public:
  void update(std::span<const std::byte> block);
  /// Ends one text and returns its length in bytes.
  std::int64_t end_text();
  Fingerprint finish() const { return all_.finish(); }

 private:
  Hasher all_;
  std::optional<Hasher> text_;
  std::int64_t bytes_ = 0;
};

struct Survey {
  std::vector<DatasetManifest::Source> sources;
  std::int64_t bytes = 0;          ///< over all texts
  CharacterVocabulary characters;  ///< that occur; only for TokenizerKind::Characters
  Fingerprint fingerprint;         ///< of the contents in order
  std::vector<Part> parts;
};

/// Throws Error (75) when the process was asked to stop. Called for every block of text.
void leave_if_asked();

/// What is looked for.
struct SurveyOptions {
  TokenizerKind tokenizer = TokenizerKind::Bytes;
  DocumentUnit unit = DocumentUnit::None;
  TextCuts cuts = TextCuts::BeforeSpaces;
  std::int64_t part_bytes = 0;
};

/// Reads every text once, in blocks. Throws DataError: missing, unreadable, empty, or for characters not UTF-8.
Survey survey_texts(const std::vector<std::filesystem::path>& texts, const SurveyOptions& options);

}  // namespace isobath
