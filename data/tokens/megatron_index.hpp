#pragma once
// The .idx file beside a .bin of Megatron's indexed datasets, little-endian:
//
//   offset  bytes  content
//        0      9  "MMIDIDX", two zeros
//        9      8  version, 1
//       17      1  type of a token: 1 u8, 4 i32, 8 u16 (2, 3, 5, 6, 7: others)
//       18      8  n, number of sequences
//       26      8  m, number of document borders
//       34    4 n  tokens of each sequence
//  34+ 4n     8 n  byte in the .bin where each begins
//  34+12n     8 m  index of each document's first sequence; the last one is n

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "data/tokens/token_type.hpp"

namespace isobath {

struct MegatronIndex {
  TokenType type = TokenType::U16;
  std::int64_t sequences = 0;
};

/// NAME.idx for NAME.bin.
std::filesystem::path megatron_index_of(const std::filesystem::path& bin);

bool has_megatron_magic(std::span<const std::byte> index);

/// Throws DataError, naming `where`: foreign, truncated, or with tokens of a type that is not read. Reads the header.
MegatronIndex decode_megatron_index(std::span<const std::byte> index, const std::string& where);

/// Reads the table: the sequences must lie back to back, so that the .bin is one stream of tokens. Throws DataError
/// where they do not, or make another length than `bin_bytes`.
void check_megatron_sequences(std::span<const std::byte> index, const MegatronIndex& header, std::int64_t bin_bytes,
                              const std::string& where);

}  // namespace isobath
