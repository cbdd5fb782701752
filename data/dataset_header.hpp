#pragma once
// Everything there is to know about a dataset without its tokens. Rank 0 reads it and sends it as text; the other ranks
// open the files by it and read no metadata.

#include <cstdint>
#include <string>
#include <vector>

#include "data/files/fingerprint.hpp"
#include "data/order/split.hpp"
#include "data/text/tokenizer_data.hpp"
#include "data/tokens/token_file.hpp"

namespace isobath {

/// One of several sources: the next `files` of a header's training files.
struct DatasetSource {
  std::int64_t files = 0;
  std::int64_t weight = 1;  ///< see Mixture

  bool operator==(const DatasetSource&) const = default;
};

struct DatasetHeader {
  TokenizerKind tokenizer = TokenizerKind::External;
  std::int64_t vocabulary = 0;  ///< every token is smaller
  TokenizerData data;           ///< for tokens that can be printed
  std::vector<TokenFileInfo> train;
  std::vector<DatasetSource> sources;     ///< empty: one
  std::vector<TokenFileInfo> validation;  ///< empty: blocks of `train` by `split`
  SplitRule split;                        ///< fraction 0 where validation has files of its own
  Fingerprint fingerprint;                ///< tokenizer, vocabulary and contents; not the paths, not the split

  /// Over the files of each list.
  std::int64_t train_tokens() const;
  std::int64_t validation_tokens() const;
  /// Tokens of each source of the training files, in order; of all where there is one.
  std::vector<std::int64_t> source_tokens() const;

  bool operator==(const DatasetHeader&) const = default;

  std::string to_json() const;
  /// Throws DataError for text that to_json() did not make.
  static DatasetHeader from_json(const std::string& json);
};

}  // namespace isobath
