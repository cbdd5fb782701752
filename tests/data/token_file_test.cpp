// Files of tokens in the three formats, and the stream they make.

#include "data/tokens/token_file.hpp"

#include <sys/stat.h>

#include "data/data_support.hpp"
#include "data/tokens/token_stream.hpp"

namespace isobath {
namespace {

using test::bytes_of;
using test::counting;
using test::llmc_bytes;
using test::refuses;
using test::TempFolder;
using test::write_file;

TokenFileInfo write_shard(const std::filesystem::path& path, std::int64_t vocabulary,
                          const std::vector<std::int32_t>& tokens) {
  TokenWriter writer(path, TokenizerKind::External, vocabulary);
  for (std::size_t begin = 0; begin < tokens.size(); begin += 7)  // in pieces: their cut must not matter
    writer.append(std::span(tokens).subspan(begin, std::min<std::size_t>(7, tokens.size() - begin)));
  writer.finish();
  return TokenFile::read(path, TokenFormat::Shard).info();
}

std::vector<std::int32_t> all_of(const TokenFile& file) {
  std::vector<std::int32_t> out(static_cast<std::size_t>(file.info().count));
  file.copy(0, out);
  return out;
}

TEST(TokenFile, ShardsRoundTripInEveryWidth) {
  const TempFolder folder;
  for (const auto& [vocabulary, type] : {std::pair{std::int64_t{200}, TokenType::U8},
                                         {256, TokenType::U8},
                                         {257, TokenType::U16},
                                         {65536, TokenType::U16},
                                         {65537, TokenType::U32}}) {
    std::vector<std::int32_t> tokens = counting<std::int32_t>(100);
    tokens.push_back(static_cast<std::int32_t>(vocabulary - 1));
    const TokenFileInfo info = write_shard(folder / "a.tok", vocabulary, tokens);
    const TokenFile file = TokenFile::reopen(info);
    EXPECT_EQ(info.type, type);
    EXPECT_EQ(info.vocabulary, vocabulary);
    EXPECT_EQ(all_of(file), tokens);
    EXPECT_NO_THROW(verify_content(file, vocabulary));
    EXPECT_FALSE(std::filesystem::exists(folder / "a.tok.tmp"));
  }
}

TEST(TokenFile, FingerprintDependsOnTokensNotOnTheCut) {
  const TempFolder folder;
  const auto tokens = counting<std::int32_t>(50);
  TokenWriter whole(folder / "b.tok", TokenizerKind::External, 300);
  whole.append(tokens);
  EXPECT_EQ(whole.finish().fingerprint, write_shard(folder / "a.tok", 300, tokens).fingerprint);
  EXPECT_NE(write_shard(folder / "c.tok", 300, counting<std::int32_t>(50, 1)).fingerprint,
            write_shard(folder / "a.tok", 300, tokens).fingerprint);
}

TEST(TokenFile, AnUnfinishedWriterLeavesNothing) {
  const TempFolder folder;
  {
    TokenWriter writer(folder / "a.tok", TokenizerKind::External, 300);
    writer.append(counting<std::int32_t>(50));
    EXPECT_TRUE(refuses<InternalError>([&] { writer.append(counting<std::int32_t>(1, 300)); }, {"token 300"}));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(TokenFile, FlippedTokenIsFoundByVerification) {
  const TempFolder folder;
  write_shard(folder / "a.tok", 300, counting<std::int32_t>(50));
  std::string content = test::read_file(folder / "a.tok");
  content[130] = static_cast<char>(content[130] ^ 1);
  write_file(folder / "a.tok", content);
  const TokenFile file = TokenFile::read(folder / "a.tok", TokenFormat::Shard);  // headers do not cover tokens
  EXPECT_TRUE(refuses([&] { verify_content(file, 300); }, {"a.tok", "damaged", "fingerprint", "isobath prepare"}));
}

TEST(TokenFile, ReopenNoticesAnotherFile) {
  const TempFolder folder;
  const TokenFileInfo info = write_shard(folder / "a.tok", 300, counting<std::int32_t>(50));
  write_shard(folder / "a.tok", 300, counting<std::int32_t>(50, 1));  // same length, other tokens
  EXPECT_TRUE(refuses([&] { TokenFile::reopen(info); }, {"a.tok", "not the file rank 0 reads"}));
  write_file(folder / "r.bin", bytes_of(counting<std::uint16_t>(9)));
  const TokenFileInfo raw = TokenFile::read(folder / "r.bin", TokenFormat::Raw).info();
  write_file(folder / "r.bin", bytes_of(counting<std::uint16_t>(8)));
  EXPECT_TRUE(refuses([&] { TokenFile::reopen(raw); }, {"r.bin", "8 tokens", "9"}));
}

TEST(TokenFile, ReadsLlmC) {
  const TempFolder folder;
  write_file(folder / "g.bin", llmc_bytes(20240520, 1, counting<std::uint16_t>(20, 50000)));
  const TokenFile gpt2 = TokenFile::read(folder / "g.bin", TokenFormat::LlmC);
  EXPECT_EQ(all_of(gpt2), counting<std::int32_t>(20, 50000));
  EXPECT_EQ(gpt2.info().vocabulary, 50257);
  write_file(folder / "l.bin", llmc_bytes(20240801, 7, counting<std::uint32_t>(20, 100000)));
  const TokenFile llama = TokenFile::read(folder / "l.bin", TokenFormat::LlmC);
  EXPECT_EQ(all_of(llama), counting<std::int32_t>(20, 100000));
  EXPECT_EQ(llama.info().vocabulary, 128256);
}

TEST(TokenFile, RefusesDamagedLlmC) {
  const TempFolder folder;
  const auto tokens = counting<std::uint16_t>(20);
  const auto refused = [&](const std::string& content, std::initializer_list<std::string_view> parts) {
    write_file(folder / "x.bin", content);
    return refuses([&] { TokenFile::read(folder / "x.bin", TokenFormat::LlmC); }, parts);
  };
  const std::string whole = llmc_bytes(20240520, 1, tokens);
  EXPECT_TRUE(refused("", {"x.bin", "empty"}));
  EXPECT_TRUE(refused("ab", {"truncated", "2 bytes"}));
  EXPECT_TRUE(refused(whole.substr(0, 1000), {"truncated", "1000 bytes", "1024"}));
  EXPECT_TRUE(refused(whole.substr(0, 1062), {"1062 bytes", "20 tokens", "1064", "copy it again"}));
  EXPECT_TRUE(refused(whole + "xx", {"1066 bytes", "1064"}));
  EXPECT_TRUE(refused(llmc_bytes(20240520, 2, tokens), {"version 2", "expected 1"}));
  EXPECT_TRUE(refused(llmc_bytes(20240801, 1, tokens), {"version 1", "expected 7"}));
  EXPECT_TRUE(refused(llmc_bytes(20240522, 1, tokens), {"evaluation file", "_train.bin"}));
  EXPECT_TRUE(refused(llmc_bytes(12345, 1, tokens), {"magic 12345", "20240520", "nanogpt"}));
  EXPECT_TRUE(refused(llmc_bytes(20240520, 1, std::vector<std::uint16_t>{}), {"0 tokens"}));
  std::string negative = whole;
  negative.replace(8, 4, "\xff\xff\xff\xff");
  EXPECT_TRUE(refused(negative, {"-1 tokens"}));
}

TEST(TokenFile, ReadsAndRefusesRaw) {
  const TempFolder folder;
  write_file(folder / "t.bin", bytes_of(counting<std::uint16_t>(20, 65000)));
  const TokenFile file = TokenFile::read(folder / "t.bin", TokenFormat::Raw);
  EXPECT_EQ(all_of(file), counting<std::int32_t>(20, 65000));
  EXPECT_EQ(file.info().vocabulary, 0);
  write_file(folder / "odd.bin", "abc");
  EXPECT_TRUE(refuses([&] { TokenFile::read(folder / "odd.bin", TokenFormat::Raw); }, {"odd.bin", "3 bytes", "u16"}));
  write_file(folder / "empty.bin", "");
  EXPECT_TRUE(refuses([&] { TokenFile::read(folder / "empty.bin", TokenFormat::Raw); }, {"empty.bin", "is empty"}));
}

TEST(TokenFile, FilesThatCannotBeRead) {
  const TempFolder folder;
  EXPECT_TRUE(refuses([&] { MappedFile(folder / "none.tok"); }, {"none.tok", "No such file", "check the path"}));
  EXPECT_TRUE(refuses([&] { MappedFile(folder.path()); }, {"not a regular file"}));
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_TRUE(refuses([&] { MappedFile(folder / "pipe"); }, {"not a regular file"}));
}

TEST(TokenFile, FilesWithoutPermission) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read every file";
  const TempFolder folder;
  write_file(folder / "a.tok", "x");
  std::filesystem::permissions(folder / "a.tok", std::filesystem::perms::none);
  EXPECT_TRUE(refuses([&] { MappedFile(folder / "a.tok"); }, {"a.tok", "Permission denied", "readable"}));
}

TEST(TokenFile, FingerprintOfALargeRawFileSeesItsSamplesAndItsLength) {
  const TempFolder folder;
  // 18 MiB: above the 16 MiB that are hashed whole. The first and the last block are among the samples.
  std::string content(std::size_t{18} << 20, '\1');
  const auto fingerprint = [&] {
    write_file(folder / "big.bin", content);
    return TokenFile::read(folder / "big.bin", TokenFormat::Raw).info().fingerprint;
  };
  const Fingerprint before = fingerprint();
  EXPECT_EQ(fingerprint(), before);
  content.back() = '\2';
  const Fingerprint last = fingerprint();
  EXPECT_NE(last, before);
  content.front() = '\2';
  EXPECT_NE(fingerprint(), last);
  content.back() = content.front() = '\1';
  content.resize(content.size() - 2);
  EXPECT_NE(fingerprint(), before);
}

TokenStream stream_of(const TempFolder& folder, const std::vector<std::vector<std::int32_t>>& parts,
                      std::int64_t vocabulary) {
  std::vector<TokenFile> files;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto path = folder / ("part" + std::to_string(i) + ".tok");
    write_shard(path, 1 << 20, parts[i]);
    files.push_back(TokenFile::read(path, TokenFormat::Shard));
  }
  return {std::move(files), vocabulary};
}

TEST(TokenStream, FilesJoinWithoutASeam) {
  const TempFolder folder;
  const TokenStream stream =
      stream_of(folder, {counting<std::int32_t>(5), counting<std::int32_t>(1, 5), counting<std::int32_t>(10, 6)}, 100);
  ASSERT_EQ(stream.size(), 16);
  for (std::int64_t begin = 0; begin < 16; ++begin) {
    EXPECT_EQ(stream.at(begin), begin);
    for (std::int64_t end = begin; end <= 16; ++end) {
      std::vector<std::int32_t> out(static_cast<std::size_t>(end - begin));
      stream.copy(begin, out);
      EXPECT_EQ(out, counting<std::int32_t>(out.size(), static_cast<std::int32_t>(begin)));
    }
  }
  EXPECT_EQ(stream.locate(4).index, 4);
  EXPECT_EQ(stream.locate(7).index, 1);
  EXPECT_TRUE(stream.locate(7).path.ends_with("part2.tok"));
  std::vector<std::int32_t> out(2);
  EXPECT_THROW(stream.copy(15, out), InternalError);
  EXPECT_THROW(stream.copy(-1, out), InternalError);
}

TEST(TokenStream, TokensOutsideTheVocabularyAreNamed) {
  const TempFolder folder;
  const TokenStream stream = stream_of(folder, {counting<std::int32_t>(5), {7, 50, 8}}, 50);
  std::vector<std::int32_t> out(3);
  EXPECT_NO_THROW(stream.copy(3, out));
  EXPECT_TRUE(refuses([&] { stream.copy(4, out); }, {"part1.tok", "token 1 is 50", "50 entries", "data.vocabulary"}));
  EXPECT_EQ(stream.first_from(50), 6);
  EXPECT_EQ(stream.first_from(7), 5);
  EXPECT_EQ(stream.first_from(51), std::nullopt);
}

TEST(TokenStream, TokensBeyondSignedRangeDoNotPassAsSmall) {
  const TempFolder folder;
  write_file(folder / "l.bin", llmc_bytes(20240801, 7, std::vector<std::uint32_t>{1, 0xFFFFFFFFU}));
  std::vector<TokenFile> files;
  files.push_back(TokenFile::read(folder / "l.bin", TokenFormat::LlmC));
  const TokenStream stream(std::move(files), 128256);
  std::vector<std::int32_t> out(2);
  EXPECT_TRUE(refuses([&] { stream.copy(0, out); }, {"token 1 is 4294967295"}));
  EXPECT_EQ(stream.first_from(128256), 1);
}

}  // namespace
}  // namespace isobath
