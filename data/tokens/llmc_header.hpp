#pragma once
// llm.c's token files: 256 little-endian int32 (1024 bytes), of which the first three are magic, version and number of
// tokens, then the tokens.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "data/tokens/token_type.hpp"

namespace isobath {

inline constexpr std::int64_t kLlmcHeaderBytes = 1024;

struct LlmcHeader {
  TokenType type = TokenType::U16;
  std::int64_t count = 0;
  std::int64_t vocabulary = 0;  ///< of the tokenizer that goes with the magic: GPT-2's or Llama 3's
};

/// Whether `file` begins with any magic of llm.c, that of a token file or another.
bool has_llmc_magic(std::span<const std::byte> file);

/// Reads and checks the header of a whole file, its length included. Throws DataError, also for llm.c's other kinds of
/// files (model, tokenizer, evaluation), which it names.
LlmcHeader decode_llmc_header(std::span<const std::byte> file, const std::string& where);

}  // namespace isobath
