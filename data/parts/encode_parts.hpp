#pragma once
// Parts to tokens, by several threads, of one process or of several.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <vector>

#include "data/documents/document_rule.hpp"
#include "data/parts/part_plan.hpp"
#include "data/parts/part_store.hpp"
#include "data/shard_spec.hpp"
#include "data/text/tokenizer.hpp"

namespace isobath {

struct EncodingJob {
  const std::vector<std::filesystem::path>& texts;
  const std::vector<Part>& parts;
  const Tokenizer& tokenizer;
  const DocumentRule& documents;
  const PartStore& store;
  Fingerprint vocabulary = {};  ///< of the tokenizer, as in the manifest
  int threads = 1;
  ShardSpec share = {};  ///< of several processes the i-th has the parts i, i + count, i + 2 count, ...
  /// Called with the bytes of a part that is done, by one thread at a time.
  std::function<void(std::int64_t bytes)> done = {};
  std::stop_token stop = {};  ///< asks to return early
};

/// Encodes every part of the share that the store does not have. Returns the number of tokens of each part, 0 for those
/// of other shares and for those that `stop` left out. Throws DataError for a text that the tokenizer cannot take or
/// that is not what the parts were planned for, StorageError, and Error (75) when the process was asked to stop; parts
/// that are done stay.
std::vector<std::int64_t> encode_parts(const EncodingJob& job);

}  // namespace isobath
