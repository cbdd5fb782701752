#pragma once
// Everything there is to know about a dataset without its tokens. Rank 0 reads it and sends it as text; the other ranks
// open the files by it and read no metadata.

#include <cstdint>
#include <string>
#include <vector>

#include "data/files/fingerprint.hpp"
#include "data/order/split.hpp"
#include "data/text/character_vocabulary.hpp"
#include "data/text/tokenizer_kind.hpp"
#include "data/tokens/token_file.hpp"

namespace isobath {

struct DatasetHeader {
  TokenizerKind tokenizer = TokenizerKind::External;
  std::int64_t vocabulary = 0;  ///< every token is smaller
  CharacterVocabulary characters;
  std::vector<TokenFileInfo> train;
  std::vector<TokenFileInfo> validation;  ///< empty: blocks of `train` by `split`
  SplitRule split;                        ///< fraction 0 where validation has files of its own
  Fingerprint fingerprint;                ///< tokenizer, vocabulary and contents; not the paths, not the split

  /// Over the files of each list.
  std::int64_t train_tokens() const;
  std::int64_t validation_tokens() const;

  bool operator==(const DatasetHeader&) const = default;

  std::string to_json() const;
  /// Throws DataError for text that to_json() did not make.
  static DatasetHeader from_json(const std::string& json);
};

}  // namespace isobath
