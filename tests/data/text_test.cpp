// UTF-8, tokenizers and the vocabulary file.

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "data/data_support.hpp"
#include "data/text/tokenizer.hpp"
#include "data/text/utf8.hpp"

namespace isobath {
namespace {

using test::refuses;
using test::TempFolder;
using test::write_file;

std::u32string decode_in_pieces(const std::string& bytes, std::size_t piece) {
  Utf8Decoder decoder("x.txt");
  std::u32string out;
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    decoder.decode(std::as_bytes(std::span(bytes)).subspan(at, std::min(piece, bytes.size() - at)), out);
  decoder.finish();
  return out;
}

TEST(Utf8, EveryCodePointRoundTrips) {
  std::string bytes;
  std::u32string codes;
  for (char32_t code = 0; code <= kLastCodePoint; ++code) {
    if (!is_scalar(code)) continue;
    append_utf8(code, bytes);
    codes += code;
  }
  // By RFC 3629: 128 characters of one byte, 1920 of two, 63488 - 2048 of three, 1048576 of four.
  EXPECT_EQ(bytes.size(), 128U + 2 * 1920U + 3 * (63488U - 2048U) + 4 * 1048576U);
  EXPECT_EQ(decode_in_pieces(bytes, bytes.size()), codes);
  EXPECT_EQ(decode_in_pieces(bytes, 7), codes);  // cuts characters at every place
}

TEST(Utf8, KnownForms) {
  std::string out;
  for (const char32_t code : U"\u0041\u00e9\u20ac\U0001F600" + std::u32string()) append_utf8(code, out);
  EXPECT_EQ(out, "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
  EXPECT_EQ(name_of_code_point(0xE9), "U+00E9");
}

TEST(Utf8, EveryKindOfDamageNamesItsByte) {
  const auto refused = [](const std::string& bytes, std::initializer_list<std::string_view> parts) {
    const auto whole = refuses([&] { decode_in_pieces(bytes, bytes.size()); }, parts);
    return whole ? refuses([&] { decode_in_pieces(bytes, 1); }, parts) : whole;
  };
  EXPECT_TRUE(refused("ab\xff", {"x.txt", "not UTF-8 at byte 2", "begins", "tokenizer bytes"}));
  EXPECT_TRUE(refused("a\x80", {"at byte 1"}));
  EXPECT_TRUE(refused("a\xC3z", {"at byte 2", "cut short"}));
  EXPECT_TRUE(refused("a\xE2\x82", {"at byte 3", "ends inside"}));
  EXPECT_TRUE(refused("\xC0\x80", {"at byte 1", "longer form"}));
  EXPECT_TRUE(refused("\xE0\x9F\xBF", {"at byte 2", "longer form"}));
  EXPECT_TRUE(refused("\xF0\x8F\xBF\xBF", {"longer form"}));
  EXPECT_TRUE(refused("\xED\xA0\x80", {"at byte 2", "no character"}));      // a surrogate
  EXPECT_TRUE(refused("\xF4\x90\x80\x80", {"at byte 3", "no character"}));  // U+110000
  EXPECT_TRUE(refused("\xF8\x88\x80\x80\x80", {"at byte 0"}));              // five bytes
}

RC_GTEST_PROP(Utf8, ArbitraryBytesAreRefusedOrRoundTrip, (const std::string& bytes)) {
  try {
    std::string again;
    for (const char32_t code : decode_in_pieces(bytes, 3)) append_utf8(code, again);
    RC_ASSERT(again == bytes);
  } catch (const DataError&) {
  }
}

TEST(BytesTokenizer, TakesEveryByte) {
  const BytesTokenizer tokenizer;
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  const auto tokens = tokenizer.encode(all);
  EXPECT_EQ(tokens, test::counting<std::int32_t>(256));
  EXPECT_EQ(tokenizer.decode(tokens), all);
  EXPECT_EQ(tokenizer.decode(std::vector<std::int32_t>{65, 256, -1}), "A\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(CharacterTokenizer, NumbersAreSortedCodePoints) {
  const CharacterTokenizer tokenizer(CharacterVocabulary(U"ab\u00e9\U0001F600", "here"));
  EXPECT_EQ(tokenizer.encode("b\xC3\xA9"
                             "a\xF0\x9F\x98\x80"),
            (std::vector<std::int32_t>{1, 2, 0, 3}));
  EXPECT_EQ(tokenizer.decode(std::vector<std::int32_t>{2, 1, 4, -1}),
            "\xC3\xA9"
            "b\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_TRUE(refuses([&] { tokenizer.encode("abc"); }, {"character 2", "U+0063", "tokenizer bytes"}));
  EXPECT_TRUE(refuses([&] { tokenizer.encode("a\xC3"); }, {"ends inside"}));
}

TEST(CharacterVocabulary, FileRoundTrips) {
  const TempFolder folder;
  const CharacterVocabulary vocabulary(U"\n \"\\a\u00e9\u0301\uFFFD\U0001F600", "here");
  write_file(folder / "vocabulary.json", vocabulary.to_json());
  EXPECT_EQ(CharacterVocabulary::read(folder / "vocabulary.json"), vocabulary);
  for (const char byte : vocabulary.to_json()) EXPECT_LT(static_cast<unsigned char>(byte), 0x80);
}

TEST(CharacterVocabulary, RefusesWhatIsNotOne) {
  const std::string whole = CharacterVocabulary(U"abc", "here").to_json();
  const auto refused = [&](const std::string& from, const std::string& to,
                           std::initializer_list<std::string_view> parts) {
    std::string json = whole;
    const std::size_t at = json.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    json.replace(at, from.size(), to);
    return refuses([&] { CharacterVocabulary::from_json(json, "v.json"); }, parts);
  };
  EXPECT_TRUE(refused("\"b\"", "\"d\"", {"v.json", "entry 2", "out of order"}));
  EXPECT_TRUE(refused("\"c\"", "\"d\"", {"v.json", "do not match its fingerprint"}));
  EXPECT_TRUE(refused("\"b\"", "\"a\"", {"out of order"}));
  EXPECT_TRUE(refused("\"b\"", "\"bb\"", {"\"bb\"", "2 characters", "expected one"}));
  EXPECT_TRUE(refused("\"b\"", "7", {"no vocabulary"}));
  EXPECT_TRUE(refused("isobath.vocabulary", "other", {"\"other\"", "expected"}));
  EXPECT_TRUE(refused("\"version\": 1", "\"version\": 2", {"version 2", "expected"}));
  EXPECT_TRUE(refused("{", "", {"no vocabulary"}));
  for (std::size_t size = 0; size + 2 < whole.size(); size += 5)
    EXPECT_TRUE(refuses([&] { CharacterVocabulary::from_json(whole.substr(0, size), "v.json"); }, {"v.json"}));
}

}  // namespace
}  // namespace isobath
