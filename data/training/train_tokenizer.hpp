#pragma once
// Vocabularies made from texts.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "data/documents/document_rule.hpp"
#include "data/parts/part_plan.hpp"
#include "data/text/tokenizer.hpp"

namespace isobath {

/// What is learnt from: of more than 512 MiB evenly spaced parts.
struct TrainingTexts {
  const std::vector<std::filesystem::path>& texts;
  const std::vector<Part>& parts;
  const DocumentRule& documents;
};

/// Hands every document of the texts to streams of `reader`, whose tokens are dropped. Throws DataError, and Error (75)
/// when the process was asked to stop.
void read_documents(const TrainingTexts& corpus, const Tokenizer& reader);

/// Told about vocabulary training: merges that are done, of those wanted.
using LearningProgress = std::function<void(std::int64_t done, std::int64_t wanted)>;

/// A tokenizer.json of `entries` tokens: the 256 bytes, merges, and <|endoftext|> as the last. Fewer where the texts
/// have not as many pairs that occur twice. The same texts make the same file. `progress`, if any,
/// is told after every merge. Throws DataError for fewer than 257.
std::string train_bpe(const TrainingTexts& corpus, std::int64_t entries, const LearningProgress& progress = {});

}  // namespace isobath
