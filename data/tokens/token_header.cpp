#include "data/tokens/token_header.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "data/tokens/value_at.hpp"

namespace isobath {
namespace {

constexpr std::array<unsigned char, 8> kMagic = {0x89, 'I', 'S', 'O', 'T', 'O', 'K', 0x0a};
constexpr std::size_t kVersionAt = 8, kSizeAt = 12, kTypeAt = 16, kTokenizerAt = 20, kCountAt = 24, kVocabularyAt = 32,
                      kFingerprintAt = 40, kDigestAt = 112;
constexpr const char* kRemedy = "; copy it again from its origin, or write it again with isobath prepare";

template <class T>
void put(TokenHeaderBytes& bytes, std::size_t at, const T& value) {
  std::memcpy(bytes.data() + at, &value, sizeof(T));
}

template <class... Parts>
[[noreturn]] void refuse(const std::string& where, const Parts&... parts) {
  throw DataError(text(where, ": ", parts...));
}

void check_preamble(std::span<const std::byte> file, const std::string& where) {
  if (file.empty()) refuse(where, "is empty, expected a token shard", kRemedy);
  if (!has_token_magic(file))
    refuse(where, "is no token shard of isobath: its first 8 bytes are not the expected magic", kRemedy);
  if (file.size() < kTokenHeaderBytes)
    refuse(where, "is truncated: ", file.size(), " bytes, the header alone has ", kTokenHeaderBytes, kRemedy);
  // The version comes before the digest: another version may keep its digest elsewhere.
  const auto version = value_at<std::uint32_t>(file, kVersionAt);
  if (version != kTokenFormatVersion)
    refuse(where, "has token format version ", version, ", this isobath reads version ", kTokenFormatVersion,
           "; write it again with isobath prepare, or use the isobath that wrote it");
  if (value_at<Fingerprint>(file, kDigestAt) != fingerprint_of(file.first(kDigestAt)))
    refuse(where, "has a damaged header: its digest does not match its content", kRemedy);
}

// Behind a digest that matches, these can only fail for a writer that is not ours.
TokenHeader fields_of(std::span<const std::byte> file, const std::string& where) {
  const auto size = value_at<std::uint32_t>(file, kSizeAt), type = value_at<std::uint32_t>(file, kTypeAt),
             tokenizer = value_at<std::uint32_t>(file, kTokenizerAt);
  const auto count = value_at<std::uint64_t>(file, kCountAt), vocabulary = value_at<std::uint64_t>(file, kVocabularyAt);
  if (size != kTokenHeaderBytes) refuse(where, "says its header has ", size, " bytes, expected ", kTokenHeaderBytes);
  if (type != 1 && type != 2 && type != 4) refuse(where, "says a token has ", type, " bytes, expected 1, 2 or 4");
  if (tokenizer > static_cast<std::uint32_t>(kTokenizerKinds.back()))
    refuse(where, "names tokenizer ", tokenizer, ", which this isobath does not know");
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max());
  if (vocabulary == 0 || vocabulary > std::min(kMost, std::uint64_t{1} << (8 * type)))
    refuse(where, "has vocabulary size ", vocabulary, ", which tokens of ", type, " bytes cannot have");
  if (count > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / 4)
    refuse(where, "says it holds ", count, " tokens, which no file can");
  return {static_cast<TokenType>(type), static_cast<TokenizerKind>(tokenizer), static_cast<std::int64_t>(count),
          static_cast<std::int64_t>(vocabulary), value_at<Fingerprint>(file, kFingerprintAt)};
}

}  // namespace

TokenHeaderBytes encode(const TokenHeader& header) {
  TokenHeaderBytes bytes{};
  put(bytes, 0, kMagic);
  put(bytes, kVersionAt, kTokenFormatVersion);
  put(bytes, kSizeAt, static_cast<std::uint32_t>(kTokenHeaderBytes));
  put(bytes, kTypeAt, static_cast<std::uint32_t>(header.type));
  put(bytes, kTokenizerAt, static_cast<std::uint32_t>(header.tokenizer));
  put(bytes, kCountAt, static_cast<std::uint64_t>(header.count));
  put(bytes, kVocabularyAt, static_cast<std::uint64_t>(header.vocabulary));
  put(bytes, kFingerprintAt, header.fingerprint.bytes);
  put(bytes, kDigestAt, fingerprint_of(std::span(bytes).first(kDigestAt)).bytes);
  return bytes;
}

bool has_token_magic(std::span<const std::byte> file) {
  return file.size() >= kMagic.size() && std::memcmp(file.data(), kMagic.data(), kMagic.size()) == 0;
}

TokenHeader decode_token_header(std::span<const std::byte> file, const std::string& where) {
  check_preamble(file, where);
  const TokenHeader header = fields_of(file, where);
  if (header.count == 0) refuse(where, "holds no tokens; leave it out or prepare a text that is not empty");
  const auto expected = kTokenHeaderBytes + static_cast<std::uint64_t>(header.count * size_of(header.type));
  if (file.size() != expected)
    refuse(where, file.size() < expected ? "is truncated: " : "is too long: ", file.size(), " bytes, but ",
           header.count, " tokens of type ", name_of(header.type), " make ", expected, kRemedy);
  return header;
}

}  // namespace isobath
