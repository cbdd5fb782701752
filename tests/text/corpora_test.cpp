// Corpora by name: only the right bytes are taken, wherever they come from.

#include "data/corpora/corpora.hpp"

#include <cstdlib>

#include <gtest/gtest.h>

#include "data/data_support.hpp"
#include "data/files/sha256.hpp"

namespace isobath {
namespace {

using test::read_file;
using test::refuses;
using test::TempFolder;
using test::write_file;

constexpr const char* kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

std::string sha256(const std::string& text) { return Sha256().update(std::as_bytes(std::span(text))).finish(); }

TEST(Sha256, VectorsOfTheStandard) {
  EXPECT_EQ(sha256("abc"), kAbc);
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256(std::string(1000000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Corpora, ALocalCopyIsTakenWhenItsChecksumIsRight) {
  const TempFolder folder;
  const CorpusFile file{"abc.txt", kAbc, ""};
  EXPECT_TRUE(refuses([&] { find_corpus_file(file, "letters", folder.path()); }, {"abc.txt", "--from"}));
  write_file(folder / "abc.txt", "abd");
  EXPECT_TRUE(refuses([&] { find_corpus_file(file, "letters", folder.path()); }, {"abc.txt", "another file", kAbc}));
  write_file(folder / "abc.txt", "abc");
  EXPECT_EQ(find_corpus_file(file, "letters", folder.path()), folder / "abc.txt");
  EXPECT_TRUE(refuses<Error>([] { corpus_named("nothing"); }, {"nothing", "wikitext-2"}));
}

TEST(Corpora, ADownloadAppearsWholeAndRightOrNotAtAll) {
  if (std::system("curl --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "curl is not installed";
  const TempFolder folder;
  write_file(folder / "origin", "abc");
  const std::string url = "file://" + (folder / "origin").string();
  const CorpusFile file{"abc.txt", kAbc, url};
  EXPECT_EQ(read_file(find_corpus_file(file, "letters", folder.path())), "abc");
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "letters" / "abc.txt"));
  write_file(folder / "origin", "abd");
  EXPECT_TRUE(refuses([&] { download(url, folder / "copy", kAbc); }, {url, "expected", kAbc}));
  EXPECT_TRUE(refuses([&] { download(url + "-not", folder / "copy", kAbc); }, {"curl ended with code"}));
  EXPECT_FALSE(std::filesystem::exists(folder / "copy"));
  EXPECT_FALSE(std::filesystem::exists(folder / "copy.tmp"));
}

}  // namespace
}  // namespace isobath
