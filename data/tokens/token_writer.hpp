#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "data/files/fingerprint.hpp"
#include "data/tokens/token_header.hpp"
#include "ops/core/files/atomic_file.hpp"

namespace isobath {

/// Writes one token shard front to back; the file appears under its name with finish(), or never.
class TokenWriter {
 public:
  /// Tokens are stored in the narrowest type of `vocabulary`. Throws StorageError.
  TokenWriter(const std::filesystem::path& path, TokenizerKind tokenizer, std::int64_t vocabulary);

  /// Tokens in [0, vocabulary). Throws InternalError for others, StorageError when the disk refuses.
  void append(std::span<const std::int32_t> tokens);
  std::int64_t count() const { return header_.count; }
  /// Writes the header and commits the file.
  TokenHeader finish();

 private:
  AtomicFile file_;
  TokenHeader header_;
  Hasher hasher_;
  std::vector<std::byte> block_;
};

}  // namespace isobath
