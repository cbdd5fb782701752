#pragma once
// One stream of tokens to numbered shards of bounded length.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/prepare/dataset_manifest.hpp"
#include "data/tokens/token_writer.hpp"

namespace isobath {

class ShardWriter {
 public:
  /// `plan` gives tokenizer, vocabulary, tokens and shard_tokens; the number of shards stands in their names, so the
  /// number of tokens must be known before.
  ShardWriter(std::filesystem::path folder, const DatasetManifest& plan);

  /// Throws DataError when more tokens come than planned (a text that grew while it was read).
  void append(std::span<const std::int32_t> tokens);
  /// Commits the last shard. Throws DataError when fewer tokens came than planned.
  std::vector<DatasetManifest::Shard> finish();

 private:
  std::string next_name() const;
  void close_shard();

  std::filesystem::path folder_;
  const DatasetManifest& plan_;
  std::int64_t written_ = 0;  // tokens
  std::optional<TokenWriter> current_;
  std::vector<DatasetManifest::Shard> done_;
};

/// Throws the DataError for texts that are not what the survey saw.
[[noreturn]] void refuse_changed_texts();

/// Removes what an earlier dataset or an interrupted prepare left in `folder`: token shards that `keep` does not list,
/// and partial files. Other files stay.
void remove_stale_shards(const std::filesystem::path& folder, const std::vector<DatasetManifest::Shard>& keep);

}  // namespace isobath
