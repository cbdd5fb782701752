#include "data/tokens/llmc_header.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "ops/core/error.hpp"

namespace isobath {
namespace {

struct Kind {
  std::int32_t magic, version;
  TokenType type;
  std::int64_t vocabulary;
};
constexpr std::array<Kind, 2> kTokenKinds = {{
    {20240520, 1, TokenType::U16, 50257},   // GPT-2
    {20240801, 7, TokenType::U32, 128256},  // Llama 3
}};

struct OtherKind {
  std::int32_t magic;
  std::string_view name;
};
constexpr std::array<OtherKind, 5> kOtherKinds = {{{20240326, "model"},
                                                   {20240327, "debug state"},
                                                   {20240328, "tokenizer"},
                                                   {20240522, "evaluation"},
                                                   {20240527, "training state"}}};

std::int32_t word(std::span<const std::byte> file, std::size_t index) {
  std::int32_t value = 0;
  std::memcpy(&value, file.data() + 4 * index, 4);
  return value;
}

const Kind& kind_of(std::int32_t magic, const std::string& where) {
  for (const OtherKind& other : kOtherKinds)
    if (other.magic == magic)
      throw DataError(text(where, ": is llm.c's ", other.name, " file, expected a token file; name the folder's ",
                           "*_train.bin instead"));
  const auto found =
      std::find_if(kTokenKinds.begin(), kTokenKinds.end(), [magic](const Kind& kind) { return kind.magic == magic; });
  if (found == kTokenKinds.end())
    throw DataError(text(where, ": has magic ", magic, ", expected 20240520 or 20240801 of llm.c's token files; for ",
                         "tokens without a header set data.format to nanogpt"));
  return *found;
}

}  // namespace

bool has_llmc_magic(std::span<const std::byte> file) {
  if (file.size() < 4) return false;
  const std::int32_t magic = word(file, 0);
  return std::any_of(kTokenKinds.begin(), kTokenKinds.end(),
                     [magic](const Kind& kind) { return kind.magic == magic; }) ||
         std::any_of(kOtherKinds.begin(), kOtherKinds.end(),
                     [magic](const OtherKind& other) { return other.magic == magic; });
}

LlmcHeader decode_llmc_header(std::span<const std::byte> file, const std::string& where) {
  if (file.empty()) throw DataError(text(where, ": is empty, expected a token file of llm.c"));
  if (file.size() < 4) throw DataError(text(where, ": is truncated: ", file.size(), " bytes, no room for a header"));
  const Kind& kind = kind_of(word(file, 0), where);
  if (file.size() < static_cast<std::size_t>(kLlmcHeaderBytes))
    throw DataError(text(where, ": is truncated: ", file.size(), " bytes, the header alone has ", kLlmcHeaderBytes,
                         "; copy it again from its origin"));
  if (word(file, 1) != kind.version)
    throw DataError(text(where, ": has version ", word(file, 1), " under magic ", kind.magic, ", expected ",
                         kind.version, "; write it again with a current llm.c"));
  const std::int64_t count = word(file, 2);
  if (count <= 0) throw DataError(text(where, ": says it holds ", count, " tokens, expected at least 1"));
  const std::int64_t expected = kLlmcHeaderBytes + count * size_of(kind.type);
  if (static_cast<std::int64_t>(file.size()) != expected)
    throw DataError(text(where, ": has ", file.size(), " bytes, but a header and ", count, " tokens of type ",
                         name_of(kind.type), " make ", expected, "; copy it again from its origin"));
  return {kind.type, count, kind.vocabulary};
}

}  // namespace isobath
