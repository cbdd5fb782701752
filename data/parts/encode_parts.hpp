#pragma once
// Parts to tokens, by several threads.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "data/documents/document_rule.hpp"
#include "data/parts/part_plan.hpp"
#include "data/parts/part_store.hpp"
#include "data/text/tokenizer.hpp"

namespace isobath {

struct EncodingJob {
  const std::vector<std::filesystem::path>& texts;
  const std::vector<Part>& parts;
  const Tokenizer& tokenizer;
  const DocumentRule& documents;
  const PartStore& store;
  int threads = 1;
  /// Called with the bytes of a part that is done, by one thread at a time.
  std::function<void(std::int64_t bytes)> done;
};

/// Encodes every part that the store does not have, and returns the number of tokens of each. Throws DataError for a
/// text that the tokenizer cannot take or that is not what the parts were planned for, StorageError, and Error (75)
/// when the process was asked to stop; parts that are done stay.
std::vector<std::int64_t> encode_parts(const EncodingJob& job);

}  // namespace isobath
