// Byte-level BPE: GPT-2's tokens, any bytes, both file forms, and what is no vocabulary.

#include <chrono>
#include <cstring>
#include <fstream>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "data/bpe/bpe_files.hpp"
#include "data/bpe/bpe_tokenizer.hpp"
#include "data/bpe/byte_alphabet.hpp"
#include "data/data_support.hpp"
#include "data/text/utf8.hpp"

namespace isobath {
namespace {

using test::collection_file;
using test::read_file;
using test::refuses;

// Bytes are 0 .. 255 in order; then the tokens below; the end token last.
BpeVocabulary tiny() {
  BpeVocabulary out;
  for (int byte = 0; byte < 256; ++byte) out.tokens.emplace_back(1, static_cast<char>(byte));
  const auto merge = [&](std::int32_t left, std::int32_t right) {
    const auto text = [&](std::int32_t number) { return out.tokens[static_cast<std::size_t>(number)]; };
    out.merges.push_back({left, right, static_cast<std::int32_t>(out.size())});
    out.tokens.push_back(text(left) + text(right));
  };
  merge('a', 'b');    // 256 ab
  merge(' ', 'a');    // 257 " a", later than ab
  merge(256, 256);    // 258 abab
  merge('b', 'a');    // 259 ba, never where ab comes first
  merge(0xC3, 0xA9);  // 260 e acute
  out.tokens.emplace_back();
  out.specials.push_back({261, std::string(kEndOfText)});
  return out;
}

const BpeTokenizer& tokenizer() {
  static const BpeTokenizer made(tiny(), "tiny");
  return made;
}

using Tokens = std::vector<std::int32_t>;

TEST(Bpe, MergesTheEarliestPairFirstAndOfEqualsTheLeftmost) {
  EXPECT_EQ(tokenizer().encode("abab"), (Tokens{258}));
  EXPECT_EQ(tokenizer().encode("ababab"), (Tokens{258, 256}));
  EXPECT_EQ(tokenizer().encode("baa"), (Tokens{259, 'a'}));
  EXPECT_EQ(tokenizer().encode("aba"), (Tokens{256, 'a'}));
  EXPECT_EQ(tokenizer().encode(" ab a"), (Tokens{' ', 256, 257}));
  EXPECT_EQ(tokenizer().encode("a\xC3\xA9"), (Tokens{'a', 260}));
  EXPECT_TRUE(tokenizer().encode("").empty());
}

TEST(Bpe, TheNameOfASpecialTokenIsTextAndItsNumberDecodesToTheName) {
  EXPECT_EQ(tokenizer().encode("<|endoftext|>").size(), kEndOfText.size());
  EXPECT_EQ(tokenizer().end_token(), 261);
  EXPECT_EQ(tokenizer().decode(Tokens{261, 256, 999}), "<|endoftext|>ab\xEF\xBF\xBD");
}

RC_GTEST_PROP(Bpe, AnyBytesComeBackAndBlocksDoNotMatter, ()) {
  const auto text = *rc::gen::container<std::string>(
      rc::gen::element('a', 'b', ' ', '\n', '\xC3', '\xA9', '\xF0', '1', '\'', 's', '\x80', '\xE2'));
  const Tokens whole = tokenizer().encode(text);
  RC_ASSERT(tokenizer().decode(whole) == text);
  Tokens cut;
  const auto stream = tokenizer().stream("cut");
  const auto step = static_cast<std::size_t>(*rc::gen::inRange(1, 5));
  for (std::size_t at = 0; at < text.size(); at += step)
    stream->encode(std::as_bytes(std::span(text)).subspan(at, std::min(step, text.size() - at)), cut);
  stream->finish(cut);
  RC_ASSERT(cut == whole);
}

TEST(Bpe, ALongLineWithoutSpacesTakesNoQuadraticTime) {
  std::string line;
  while (line.size() < (std::size_t{1} << 20)) line += "abbaab";
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(tokenizer().decode(tokenizer().encode(line)), line);
  // A million squared steps would take a quarter of an hour; this takes a fraction of a second.
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(20));
}

TEST(Bpe, BothFormsOfFilesMakeTheSameVocabulary) {
  const BpeVocabulary made = tiny();
  EXPECT_EQ(parse_tokenizer_json(to_tokenizer_json(made), "t.json"), made);
  std::string merges = "#version: 0.2\n", encoder = "{";
  const auto name = [&](std::int32_t number) {
    return to_byte_alphabet(made.tokens[static_cast<std::size_t>(number)]);
  };
  for (const BpeMerge& merge : made.merges) merges += name(merge.left) + ' ' + name(merge.right) + '\n';
  for (std::int32_t number = 0; number < 261; ++number) {
    const std::string key = name(number);
    encoder += (key == "\"" || key == "\\" ? "\"\\" + key : "\"" + key) + "\": " + std::to_string(number) + ", ";
  }
  encoder += "\"<|endoftext|>\": 261}";
  EXPECT_EQ(parse_gpt2_files(merges, encoder, "pair"), made);
}

TEST(Bpe, WhatIsNoByteLevelVocabularyIsRefused) {
  const std::string whole = to_tokenizer_json(tiny());
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string json = whole;
    json.replace(json.find(from), from.size(), to);
    return json;
  };
  const auto refused = [](const std::string& json, std::string_view part) {
    return refuses([&] { parse_tokenizer_json(json, "t.json"); }, {"t.json", part});
  };
  EXPECT_TRUE(refused(changed("\"type\": \"BPE\"", "\"type\": \"Unigram\""), "Unigram"));
  EXPECT_TRUE(refused(changed("\"normalizer\": null", "\"normalizer\": {\"type\": \"NFC\"}"), "normalizer"));
  EXPECT_TRUE(refused(changed("\"byte_fallback\": false", "\"byte_fallback\": true"), "byte_fallback"));
  EXPECT_TRUE(refused(changed("\"add_prefix_space\": false", "\"add_prefix_space\": true"), "add_prefix_space"));
  EXPECT_TRUE(refused(changed("\"a\": 97", "\"a\": \"97\""), "number"));
  EXPECT_TRUE(refused(changed("\"a\": 97", "\"a\": 98"), "t.json"));
  EXPECT_TRUE(refused(changed("\"a\": 97", "\"a\": -1"), "number"));
  EXPECT_TRUE(refused(changed("\"a\": 97", "\"a\": 1e99"), "number"));
  EXPECT_TRUE(refused(changed("\"a b\"", "\"a \xC4\x80\xC4\x80\""), "merges"));
  EXPECT_TRUE(refused("[]", "model"));
  EXPECT_TRUE(refused("", "t.json"));
  for (std::size_t size = 0; size < whole.size(); size += 97)
    EXPECT_TRUE(refused(whole.substr(0, size), "t.json")) << size;
}

TEST(Bpe, DamagedFilesOfGpt2AreRefused) {
  const auto refused = [](const std::string& merges, const std::string& encoder) {
    return refuses([&] { parse_gpt2_files(merges, encoder, "pair"); }, {"pair"});
  };
  EXPECT_TRUE(refused("a b\n", "{\"a\": 0}"));
  EXPECT_TRUE(refused("a\n", "{\"a\": 0}"));
  EXPECT_TRUE(refused("", "{\"a\": 0}"));
  EXPECT_TRUE(refused("", "{\"a\": null}"));
  EXPECT_TRUE(refused("", "[1]"));
  EXPECT_TRUE(refused("", "{\"a\": 5}"));
}

TEST(Bpe, APatternOfItsOwnIsKept) {
  BpeVocabulary own = tiny();
  own.pattern = R"([^\s]+|\s)";
  own.whole_pieces = WholePieces::AtOnce;
  EXPECT_EQ(parse_tokenizer_json(to_tokenizer_json(own), "t.json"), own);
  EXPECT_EQ(BpeTokenizer(own, "own").encode("ba abab"), (Tokens{259, ' ', 258}));
  own.pattern = "(?<=a)b";
  EXPECT_TRUE(refuses([&] { BpeTokenizer(own, "own"); }, {"own", "behind"}));
  own.pattern = "(";
  EXPECT_TRUE(refuses([&] { BpeTokenizer(own, "own"); }, {"own", "cannot be used"}));
}

// Every document of llm.c's tiny Shakespeare begins with the end token; the first 32,768 tokens are the validation
// file.
TEST(Bpe, MakesTheTokensOfLlmc) {
  const auto vocabulary = collection_file("gpt2-bpe/vocab.bpe");
  const auto text = collection_file("tinyshakespeare/input.txt");
  const auto train = collection_file("llmc/tiny_shakespeare_train.bin");
  const auto validation = collection_file("llmc/tiny_shakespeare_val.bin");
  if (!vocabulary || !text || !train || !validation) GTEST_SKIP() << "ISOBATH_DATA names no folder with llm.c's files";
  const BpeTokenizer gpt2(read_bpe_vocabulary(*vocabulary), "gpt2");
  EXPECT_EQ(gpt2.vocabulary(), 50257);
  EXPECT_EQ(gpt2.end_token(), 50256);
  constexpr std::size_t kHeader = 1024;
  const std::string expected = read_file(*validation).substr(kHeader) + read_file(*train).substr(kHeader);
  Tokens tokens;
  const std::string whole = read_file(*text);
  for (std::size_t begin = 0; begin < whole.size();) {
    const std::size_t pair = whole.find("\n\n", begin), end = pair == std::string::npos ? whole.size() : pair + 2;
    tokens.push_back(50256);
    const Tokens document = gpt2.encode(std::string_view(whole).substr(begin, end - begin));
    tokens.insert(tokens.end(), document.begin(), document.end());
    begin = end;
  }
  const std::vector<std::uint16_t> stored(tokens.begin(), tokens.end());
  EXPECT_TRUE(test::bytes_of(stored) == expected) << stored.size() << " tokens, " << expected.size() / 2 << " expected";
}

}  // namespace
}  // namespace isobath
