#pragma once
// The first 128 bytes of a token shard (*.tok), little-endian, tokens follow:
//
//   offset  bytes  content
//        0      8  magic: 89 'I' 'S' 'O' 'T' 'O' 'K' 0a   (a transfer as text changes the first or the last byte)
//        8      4  format version, 1
//       12      4  header size, 128: where the tokens begin
//       16      4  bytes per token: 1, 2 or 4
//       20      4  tokenizer: 0 external, 1 bytes, 2 characters, 3 bpe, 4 sentencepiece
//       24      8  number of tokens
//       32      8  vocabulary size: every token is smaller
//       40     16  XXH3-128 of the stored tokens
//       56     56  zero
//      112     16  XXH3-128 of bytes 0 .. 111

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "data/files/fingerprint.hpp"
#include "data/text/tokenizer_kind.hpp"
#include "data/tokens/token_type.hpp"

namespace isobath {

inline constexpr std::size_t kTokenHeaderBytes = 128;
inline constexpr std::uint32_t kTokenFormatVersion = 1;

struct TokenHeader {
  TokenType type = TokenType::U8;
  TokenizerKind tokenizer = TokenizerKind::External;
  std::int64_t count = 0;       ///< tokens
  std::int64_t vocabulary = 0;  ///< every token is smaller
  Fingerprint fingerprint;      ///< of the stored tokens

  bool operator==(const TokenHeader&) const = default;
};

using TokenHeaderBytes = std::array<std::byte, kTokenHeaderBytes>;

TokenHeaderBytes encode(const TokenHeader& header);

/// Whether `file` begins with the magic of a token shard.
bool has_token_magic(std::span<const std::byte> file);

/// Reads and checks the header of a whole file, its length included. `where` names the file in errors. Throws DataError
/// for any other content: empty, foreign, another version, damaged, truncated, too long.
TokenHeader decode_token_header(std::span<const std::byte> file, const std::string& where);

}  // namespace isobath
