#pragma once
// The tokens of several files, one after the other.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/tokens/token_file.hpp"

namespace isobath {

/// A place in the stream as people look for it.
struct TokenPlace {
  std::string path;
  std::int64_t index = 0;  ///< of the token in that file
};

/// Files in their given order without a seam: a cut between shards says nothing about documents, so a window may span
/// it. Texts that must not touch are separate datasets. Reading is safe from several threads.
class TokenStream {
 public:
  /// `vocabulary`: the bound every token that is read must respect; at most 2^31 - 1.
  TokenStream(std::vector<TokenFile> files, std::int64_t vocabulary);

  std::int64_t size() const { return begins_.back(); }
  std::int64_t vocabulary() const { return vocabulary_; }
  const std::vector<TokenFile>& files() const { return files_; }

  /// out[i] = token begin + i. Throws DataError, naming file and position, for a token outside the vocabulary.
  void copy(std::int64_t begin, std::span<std::int32_t> out) const;
  TokenPlace locate(std::int64_t position) const;
  /// Position of the first token of the stream that is at least `limit`; reads every token up to it.
  std::optional<std::int64_t> first_from(std::int64_t limit) const;
  /// The token at `position`, of any width.
  std::int64_t at(std::int64_t position) const;

 private:
  std::size_t file_at(std::int64_t position) const;

  std::vector<TokenFile> files_;
  std::vector<std::int64_t> begins_;  // first position of each file, then the size
  std::int64_t vocabulary_;
};

}  // namespace isobath
