// The header of a token shard: what is written is read, anything else is refused.

#include "data/tokens/token_header.hpp"

#include <cstring>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "data/data_support.hpp"

namespace isobath {
namespace {

using test::refuses;

std::span<const std::byte> as_bytes(const std::string& content) { return std::as_bytes(std::span(content)); }

TokenHeader example(std::int64_t count = 3) {
  TokenHeader header;
  header.type = TokenType::U16;
  header.tokenizer = TokenizerKind::Characters;
  header.count = count;
  header.vocabulary = 300;
  header.fingerprint = fingerprint_of(as_bytes("tokens"));
  return header;
}

// A whole file: header and `count` tokens of u16.
std::string example_file(const TokenHeader& header = example()) {
  const TokenHeaderBytes bytes = encode(header);
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()) +
         std::string(static_cast<std::size_t>(header.count * size_of(header.type)), '\1');
}

// Replaces four bytes and, unlike damage, makes the digest agree again.
std::string forged(std::string file, std::size_t at, std::uint32_t word) {
  std::memcpy(file.data() + at, &word, 4);
  const Fingerprint digest = fingerprint_of(as_bytes(file).first(112));
  std::memcpy(file.data() + 112, digest.bytes.data(), 16);
  return file;
}

TokenHeader decode(const std::string& file) { return decode_token_header(as_bytes(file), "x.tok"); }

TEST(TokenHeader, LayoutIsFixed) {
  const std::string file = example_file();
  // Written out by hand from the table in token_header.hpp: readers in other languages rely on it.
  EXPECT_EQ(file.substr(0, 8), "\x89ISOTOK\n");
  EXPECT_EQ(file.substr(8, 8), std::string("\1\0\0\0\x80\0\0\0", 8));
  EXPECT_EQ(file.substr(16, 8), std::string("\2\0\0\0\2\0\0\0", 8));
  EXPECT_EQ(file.substr(24, 8), std::string("\3\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(file.substr(32, 8), std::string("\x2c\1\0\0\0\0\0\0", 8));
  EXPECT_EQ(file.substr(56, 56), std::string(56, '\0'));
  EXPECT_EQ(file.size(), 128U + 6U);
}

RC_GTEST_PROP(TokenHeader, RoundTrips, ()) {
  TokenHeader header;
  header.type = *rc::gen::element(TokenType::U8, TokenType::U16, TokenType::U32);
  header.tokenizer = *rc::gen::element(TokenizerKind::External, TokenizerKind::Bytes, TokenizerKind::Characters);
  header.count = *rc::gen::inRange<std::int64_t>(1, 5000);
  header.vocabulary = *rc::gen::inRange<std::int64_t>(1, header.type == TokenType::U8 ? 257 : 65537);
  for (auto& byte : header.fingerprint.bytes) byte = *rc::gen::arbitrary<std::uint8_t>();
  RC_ASSERT(decode(example_file(header)) == header);
}

TEST(TokenHeader, EveryBitOfTheHeaderIsGuarded) {
  const std::string whole = example_file();
  for (std::size_t bit = 0; bit < 8 * kTokenHeaderBytes; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_TRUE(refuses([&] { decode(damaged); }, {"x.tok: ", "; "})) << "bit " << bit;
  }
}

TEST(TokenHeader, EveryTruncationIsNoticed) {
  const std::string whole = example_file();
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_TRUE(refuses([&] { decode(whole.substr(0, size)); }, {"x.tok: is "})) << size << " bytes";
}

TEST(TokenHeader, ErrorsSayWhatWasFoundAndWhatToDo) {
  const std::string whole = example_file();
  EXPECT_TRUE(refuses([] { decode(""); }, {"x.tok", "is empty", "isobath prepare"}));
  EXPECT_TRUE(refuses([] { decode(std::string(200, 'a')); }, {"no token shard", "magic", "isobath prepare"}));
  EXPECT_TRUE(refuses([&] { decode(whole.substr(0, 50)); }, {"truncated", "50 bytes", "128"}));
  EXPECT_TRUE(refuses([&] { decode(whole.substr(0, 133)); }, {"truncated", "133 bytes", "3 tokens", "u16", "134"}));
  EXPECT_TRUE(refuses([&] { decode(whole + 'x'); }, {"too long", "135 bytes", "134"}));
  EXPECT_TRUE(refuses([&] { decode(forged(whole, 8, 2)); }, {"version 2", "reads version 1"}));
  std::string flipped = whole;
  flipped[33] = static_cast<char>(flipped[33] ^ 4);
  EXPECT_TRUE(refuses([&] { decode(flipped); }, {"damaged header", "digest"}));
}

TEST(TokenHeader, FieldsOfAnotherWriterAreCheckedToo) {
  const std::string whole = example_file();
  EXPECT_TRUE(refuses([&] { decode(forged(whole, 12, 64)); }, {"header has 64 bytes"}));
  EXPECT_TRUE(refuses([&] { decode(forged(whole, 16, 3)); }, {"a token has 3 bytes"}));
  EXPECT_TRUE(refuses([&] { decode(forged(whole, 20, 9)); }, {"tokenizer 9"}));
  EXPECT_TRUE(refuses([&] { decode(forged(whole, 24, 0)); }, {"no tokens"}));
  EXPECT_TRUE(refuses([&] { decode(forged(whole, 24, 4)); }, {"truncated", "4 tokens"}));
  EXPECT_TRUE(refuses([&] { decode(forged(whole, 28, 0x80000000U)); }, {"tokens, which no file can"}));
  EXPECT_TRUE(refuses([&] { decode(forged(whole, 32, 0)); }, {"vocabulary size 0"}));
  EXPECT_TRUE(refuses([&] { decode(forged(whole, 32, 65537)); }, {"vocabulary size 65537"}));
}

RC_GTEST_PROP(TokenHeader, ArbitraryBytesAreRefusedOrConsistent, ()) {
  // Valid magic, version and digest around arbitrary fields, so that the checks behind the digest are reached.
  std::string file = example_file();
  for (std::size_t at = 12; at < 40; ++at) file[at] = *rc::gen::arbitrary<char>();
  file = forged(file, 16, *rc::gen::inRange<std::uint32_t>(0, 6));
  file.resize(*rc::gen::inRange<std::size_t>(0, 400));
  try {
    const TokenHeader header = decode(file);
    RC_ASSERT(static_cast<std::int64_t>(file.size()) == 128 + header.count * size_of(header.type));
  } catch (const DataError&) {
  }
}

}  // namespace
}  // namespace isobath
