#pragma once
// dataset.json: what a folder of token shards is. Written last: a folder without it is not a dataset.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/files/fingerprint.hpp"
#include "data/text/tokenizer_data.hpp"
#include "data/tokens/token_file.hpp"

namespace isobath {

inline constexpr const char* kManifestFile = "dataset.json";

/// Length and fingerprint of a run of tokens.
struct TokenPiece {
  std::int64_t tokens = 0;
  Fingerprint fingerprint;
};

/// Names a dataset: tokenizer, vocabulary and, in order, the pieces it is stored in.
Fingerprint dataset_fingerprint(TokenizerKind tokenizer, std::int64_t vocabulary,
                                const Fingerprint& vocabulary_fingerprint, const std::vector<TokenPiece>& pieces);

struct DatasetManifest {
  struct Source {
    std::string name;  ///< as given to prepare
    std::int64_t bytes = 0;
  };
  struct Shard {
    std::string name;  ///< in the folder of the manifest, so that a copied folder stays whole
    TokenPiece content;
  };

  TokenizerKind tokenizer = TokenizerKind::Bytes;
  std::int64_t vocabulary = 0;
  Fingerprint vocabulary_fingerprint;  ///< of no characters, where nothing goes with the tokens
  std::int64_t tokens = 0;             ///< over all shards
  std::int64_t shard_tokens = 0;       ///< most tokens of one shard
  std::int64_t trained_entries = 0;    ///< asked for, of a vocabulary that prepare trained; 0: it was given
  std::string documents = "none";      ///< what a document is and where its end token stands
  Fingerprint source_fingerprint;      ///< of the texts: tells prepare whether its work is done
  std::vector<Source> sources;
  std::vector<Shard> shards;

  Fingerprint fingerprint() const;

  std::string to_json() const;
  /// Throws DataError, naming `where`, unless `json` is a manifest that agrees with itself.
  static DatasetManifest from_json(const std::string& json, const std::string& where);
  /// Reads dataset.json of `folder`. Throws DataError.
  static DatasetManifest read(const std::filesystem::path& folder);
};

/// What goes with a manifest: vocabulary.json, tokenizer.json or sentencepiece.model. Throws DataError when it is
/// missing, damaged or another dataset's.
TokenizerData read_vocabulary(const DatasetManifest& manifest, const std::filesystem::path& folder);

/// Maps the shards and compares their headers with the manifest. Throws DataError.
std::vector<TokenFile> open_shards(const DatasetManifest& manifest, const std::filesystem::path& folder);

}  // namespace isobath
