#pragma once
// Text files to a dataset: dataset.json, tokens-00000-of-00001.tok, ... and for characters vocabulary.json.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "data/documents/document_rule.hpp"
#include "data/files/fingerprint.hpp"
#include "data/parts/encode_parts.hpp"
#include "data/text/tokenizer_kind.hpp"

namespace isobath {

/// What to do where the output folder holds a finished dataset.
enum class OnExisting {
  Keep,       ///< leave it alone if it is what would be written, refuse otherwise
  Overwrite,  ///< replace it
};

enum class ProgressUnit { Bytes, Merges };

struct PrepareProgress {
  const char* stage = "";
  std::int64_t done = 0, wanted = 0;        ///< of the unit
  ProgressUnit unit = ProgressUnit::Bytes;  ///< of text, or merges of a vocabulary
};

struct PrepareOptions {
  std::vector<std::filesystem::path> inputs = {};  ///< files, and folders of files; read in this order
  std::filesystem::path output = {};               ///< folder, made if need be
  TokenizerKind tokenizer = TokenizerKind::Bytes;
  /// Characters: a vocabulary.json to use instead of the characters that occur, e.g. the training data's for validation
  /// data. Bpe: see read_bpe_vocabulary. SentencePiece: a .model file.
  std::filesystem::path vocabulary = {};
  std::int64_t shard_tokens = std::int64_t{1} << 28;  ///< most tokens of one file
  OnExisting on_existing = OnExisting::Keep;
  std::int64_t entries = 0;  ///< of the vocabulary that is trained on the texts, where none is given
  /// By default a text is a document where the tokenizer has an end token, and nothing stands between texts otherwise.
  std::optional<DocumentUnit> documents = {};
  std::string field = {};                       ///< of DocumentUnit::Jsonl
  std::optional<EndTokenPlace> end_token = {};  ///< default: before each document, if the tokenizer has one
  int threads = 1;
  std::int64_t part_bytes = std::int64_t{16} << 20;  ///< text that one thread encodes at a time
  /// Told now and then what has been done; never by two threads at once.
  std::function<void(const PrepareProgress&)> progress = {};
  /// Who encodes the parts and returns the number of tokens of each: this process, unless others help it.
  std::function<std::vector<std::int64_t>(const EncodingJob&)> encode = encode_parts;
};

enum class PrepareOutcome { Written, AlreadyThere };

struct PrepareReport {
  PrepareOutcome outcome = PrepareOutcome::Written;
  std::int64_t source_bytes = 0, tokens = 0, vocabulary = 0, shards = 0;
  Fingerprint fingerprint;  ///< of the dataset
};

/// Reads the inputs twice (survey, then tokens), in blocks. A dataset that is already there is verified, every token of
/// it. Interrupted at any moment, it leaves no dataset.json but the parts that are done, and the next call goes on from
/// them. The dataset depends on the texts and the options, not on threads and interruptions. Throws DataError for the
/// inputs or a dataset in the way, StorageError when the output cannot be written, Error with ExitCode::Usage for
/// options that contradict each other.
PrepareReport prepare(const PrepareOptions& options);

/// Reads every token of a dataset folder and recomputes the fingerprints. Throws DataError naming the first damage.
void verify_dataset(const std::filesystem::path& folder);

}  // namespace isobath
