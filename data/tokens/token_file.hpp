#pragma once
// One mapped file of tokens, whatever wrote it.

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "data/files/fingerprint.hpp"
#include "data/files/mapped_file.hpp"
#include "data/text/tokenizer_kind.hpp"
#include "data/tokens/token_type.hpp"

namespace isobath {

enum class TokenFormat {
  Shard,     ///< isobath's own *.tok
  LlmC,      ///< llm.c's .bin with its 1024-byte header
  Raw,       ///< nanoGPT's .bin: u16 tokens and nothing else
  Megatron,  ///< Megatron's .bin, which the .idx beside it describes
};

inline constexpr std::array kTokenFormats{TokenFormat::Shard, TokenFormat::LlmC, TokenFormat::Raw,
                                          TokenFormat::Megatron};

constexpr std::string_view name_of(TokenFormat format) {
  switch (format) {
    case TokenFormat::Shard:
      return "isobath";
    case TokenFormat::LlmC:
      return "llmc";
    case TokenFormat::Raw:
      return "nanogpt";
    case TokenFormat::Megatron:
      return "megatron";
  }
  return "?";
}

/// What one rank learns from a file, so that the others need not.
struct TokenFileInfo {
  std::string path;
  TokenFormat format = TokenFormat::Shard;
  TokenType type = TokenType::U8;
  TokenizerKind tokenizer = TokenizerKind::External;
  std::int64_t offset = 0;      ///< bytes before the first token
  std::int64_t count = 0;       ///< tokens
  std::int64_t vocabulary = 0;  ///< 0: the file does not say
  /// Of every token for a shard; for the other formats of up to 256 evenly spaced blocks of 64 KiB, of all where that
  /// covers the file.
  Fingerprint fingerprint;

  bool operator==(const TokenFileInfo&) const = default;
};

class TokenFile {
 public:
  /// Maps the file and reads its header. Throws DataError (see decode_token_header, decode_llmc_header; a raw file must
  /// hold whole u16 tokens, at least one).
  static TokenFile read(const std::filesystem::path& path, TokenFormat format);
  /// Maps a file that another process has read. Throws DataError when it is not the file described: the length differs
  /// or, where there is a header, the header.
  static TokenFile reopen(const TokenFileInfo& info);

  const TokenFileInfo& info() const { return info_; }
  /// The stored tokens.
  std::span<const std::byte> bytes() const;
  /// out[i] = token begin + i, the bits of a u32 beyond 2^31 - 1 kept: such a token reads as negative.
  void copy(std::int64_t begin, std::span<std::int32_t> out) const;
  /// Index in [begin, end) of the first token that is at least `limit`.
  std::optional<std::int64_t> first_from(std::int64_t limit, std::int64_t begin, std::int64_t end) const;
  /// Token `index`, of any width.
  std::int64_t at(std::int64_t index) const;

 private:
  TokenFile(MappedFile file, TokenFileInfo info) : file_(std::move(file)), info_(std::move(info)) {}

  MappedFile file_;
  TokenFileInfo info_;
};

/// Reads every token: for a shard its fingerprint must be the header's; in any format each token must be smaller than
/// `vocabulary`. Throws DataError naming the first difference.
void verify_content(const TokenFile& file, std::int64_t vocabulary);

}  // namespace isobath
