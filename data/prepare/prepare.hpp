#pragma once
// Text files to a dataset: dataset.json, tokens-00000-of-00001.tok, ... and for characters vocabulary.json.

#include <cstdint>
#include <filesystem>
#include <vector>

#include "data/files/fingerprint.hpp"
#include "data/text/tokenizer_kind.hpp"

namespace isobath {

/// What to do where the output folder holds a finished dataset.
enum class OnExisting {
  Keep,       ///< leave it alone if it is what would be written, refuse otherwise
  Overwrite,  ///< replace it
};

struct PrepareOptions {
  std::vector<std::filesystem::path> inputs = {};  ///< read in this order, without separators between them
  std::filesystem::path output = {};               ///< folder, made if need be
  TokenizerKind tokenizer = TokenizerKind::Bytes;
  /// A vocabulary.json to use instead of the characters that occur, e.g. the training data's for validation data.
  std::filesystem::path vocabulary = {};
  std::int64_t shard_tokens = std::int64_t{1} << 28;  ///< most tokens of one file
  OnExisting on_existing = OnExisting::Keep;
};

enum class PrepareOutcome { Written, AlreadyThere };

struct PrepareReport {
  PrepareOutcome outcome = PrepareOutcome::Written;
  std::int64_t source_bytes = 0, tokens = 0, vocabulary = 0, shards = 0;
  Fingerprint fingerprint;  ///< of the dataset
};

/// Reads the inputs twice (survey, then tokens), in blocks. A dataset that is already there is verified, every token of
/// it. Interrupted, it leaves no dataset.json, and the next call starts over. Throws DataError for the inputs or a
/// dataset in the way, StorageError when the output cannot be written, Error with ExitCode::Usage for options that
/// contradict each other.
PrepareReport prepare(const PrepareOptions& options);

/// Reads every token of a dataset folder and recomputes the fingerprints. Throws DataError naming the first damage.
void verify_dataset(const std::filesystem::path& folder);

}  // namespace isobath
