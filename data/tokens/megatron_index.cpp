#include "data/tokens/megatron_index.hpp"

#include <string_view>

#include "data/tokens/value_at.hpp"
#include "ops/core/error.hpp"

namespace isobath {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kIndexMagic = "MMIDIDX\0\0"sv;
constexpr std::size_t kIndexVersionAt = 9, kIndexTypeAt = 17, kSequencesAt = 18, kDocumentsAt = 26, kHeaderBytes = 34;

TokenType type_of(int code, const std::string& where) {
  if (code == 1) return TokenType::U8;
  if (code == 4) return TokenType::U32;  // a token is never negative
  if (code == 8) return TokenType::U16;
  throw DataError(text(where, ": says its tokens have type ", code,
                       ", expected 1 (u8), 4 (i32) or 8 (u16); write it again with one of these"));
}

}  // namespace

std::filesystem::path megatron_index_of(const std::filesystem::path& bin) {
  return std::filesystem::path(bin).replace_extension(".idx");
}

bool has_megatron_magic(std::span<const std::byte> index) {
  return index.size() >= kIndexMagic.size() && std::memcmp(index.data(), kIndexMagic.data(), kIndexMagic.size()) == 0;
}

MegatronIndex decode_megatron_index(std::span<const std::byte> index, const std::string& where) {
  if (!has_megatron_magic(index)) throw DataError(text(where, ": is no index of a Megatron dataset"));
  if (index.size() < kHeaderBytes)
    throw DataError(text(where, ": is truncated: ", index.size(), " bytes, the header alone has ", kHeaderBytes));
  const auto version = value_at<std::uint64_t>(index, kIndexVersionAt);
  if (version != 1) throw DataError(text(where, ": has version ", version, ", expected 1"));
  const auto sequences = value_at<std::uint64_t>(index, kSequencesAt),
             documents = value_at<std::uint64_t>(index, kDocumentsAt);
  // Modes of one byte a sequence may follow.
  constexpr std::uint64_t kMost = std::uint64_t{1} << 40;
  const std::uint64_t least = kHeaderBytes + 12 * sequences + 8 * documents;
  if (sequences > kMost || documents > kMost || (index.size() != least && index.size() != least + sequences))
    throw DataError(text(where, ": has ", index.size(), " bytes, but ", sequences, " sequences and ", documents,
                         " document borders make ", least, "; copy it again from its origin"));
  return {type_of(value_at<std::uint8_t>(index, kIndexTypeAt), where), static_cast<std::int64_t>(sequences)};
}

void check_megatron_sequences(std::span<const std::byte> index, const MegatronIndex& header, std::int64_t bin_bytes,
                              const std::string& where) {
  const auto lengths = kHeaderBytes, places = kHeaderBytes + 4 * static_cast<std::size_t>(header.sequences);
  std::int64_t expected = 0;
  for (std::int64_t i = 0; i < header.sequences; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const auto length = value_at<std::int32_t>(index, lengths + 4 * at);
    const auto place = value_at<std::int64_t>(index, places + 8 * at);
    if (length < 0 || place != expected)
      throw DataError(text(where, ": sequence ", i, " has ", length, " tokens from byte ", place, ", expected byte ",
                           expected, "; only sequences that lie back to back can be read: merge the dataset again"));
    expected += length * size_of(header.type);
  }
  if (expected != bin_bytes)
    throw DataError(text(where, ": its sequences make ", expected, " bytes, the .bin beside it has ", bin_bytes,
                         "; copy both again from their origin"));
}

}  // namespace isobath
