// From text to a dataset folder, and back.

#include "data/prepare/prepare.hpp"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <thread>

#include <sys/resource.h>

#include "data/data_support.hpp"
#include "data/files/folder_lock.hpp"
#include "data/prepare/dataset_manifest.hpp"
#include "data/prepare/survey.hpp"
#include "data/text/tokenizer_data.hpp"
#include "data/tokens/token_stream.hpp"

namespace isobath {
namespace {

using test::read_file;
using test::refuses;
using test::TempFolder;
using test::write_file;

class Prepare : public ::testing::Test {
 protected:
  PrepareOptions options(const std::string& text, TokenizerKind tokenizer) {
    write_file(folder_ / "a.txt", text);
    return {.inputs = {folder_ / "a.txt"}, .output = folder_ / "out", .tokenizer = tokenizer};
  }
  std::string decoded() const {
    const DatasetManifest manifest = DatasetManifest::read(folder_ / "out");
    const TokenStream stream(open_shards(manifest, folder_ / "out"), manifest.vocabulary);
    std::vector<std::int32_t> tokens(static_cast<std::size_t>(stream.size()));
    stream.copy(0, tokens);
    return make_tokenizer(manifest.tokenizer, read_vocabulary(manifest, folder_ / "out"))->decode(tokens);
  }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "out"))
      out.push_back(entry.path().filename().string());
    std::sort(out.begin(), out.end());
    return out;
  }

  const TempFolder folder_;
};

TEST_F(Prepare, BytesRoundTrip) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += static_cast<char>(i * i % 256);
  const PrepareReport report = prepare(options(text, TokenizerKind::Bytes));
  EXPECT_EQ(report.outcome, PrepareOutcome::Written);
  EXPECT_EQ(report.tokens, 5000);
  EXPECT_EQ(report.source_bytes, 5000);
  EXPECT_EQ(report.vocabulary, 256);
  EXPECT_EQ(decoded(), text);
  EXPECT_EQ(names(), (std::vector<std::string>{"dataset.json", "tokens-00000-of-00001.tok"}));
}

TEST_F(Prepare, CharactersRoundTripAcrossBlocksAndShards) {
  std::string text = "x";  // an odd start, so that two-byte characters straddle the 1 MiB blocks of reading
  while (text.size() < (std::size_t{1} << 20) + 1000) text += "\xC3\xA9z\xE2\x82\xAC\n";
  PrepareOptions wanted = options(text, TokenizerKind::Characters);
  wanted.shard_tokens = 200000;
  const PrepareReport report = prepare(wanted);
  EXPECT_EQ(report.vocabulary, 5);
  EXPECT_EQ(report.shards, (report.tokens + 199999) / 200000);
  EXPECT_EQ(decoded(), text);
  EXPECT_EQ(names().front(), "dataset.json");
  EXPECT_EQ(names()[1], "tokens-00000-of-00003.tok");
  EXPECT_EQ(names().back(), "vocabulary.json");
}

TEST_F(Prepare, SeveralTextsFollowEachOther) {
  PrepareOptions wanted = options("first ", TokenizerKind::Characters);
  write_file(folder_ / "b.txt", "second");
  wanted.inputs.push_back(folder_ / "b.txt");
  prepare(wanted);
  EXPECT_EQ(decoded(), "first second");
  const DatasetManifest manifest = DatasetManifest::read(folder_ / "out");
  ASSERT_EQ(manifest.sources.size(), 2U);
  EXPECT_EQ(manifest.sources[1].bytes, 6);
}

TEST_F(Prepare, RepeatedItLeavesTheDatasetAlone) {
  const PrepareOptions wanted = options("some text", TokenizerKind::Bytes);
  const PrepareReport first = prepare(wanted);
  const auto written = std::filesystem::last_write_time(wanted.output / "dataset.json");
  const PrepareReport second = prepare(wanted);
  EXPECT_EQ(second.outcome, PrepareOutcome::AlreadyThere);
  EXPECT_EQ(second.fingerprint, first.fingerprint);
  EXPECT_EQ(second.tokens, first.tokens);
  EXPECT_EQ(std::filesystem::last_write_time(wanted.output / "dataset.json"), written);
}

TEST_F(Prepare, AnotherDatasetInTheWayIsRefusedOrReplaced) {
  prepare(options("some text", TokenizerKind::Bytes));
  const auto refused = [&](PrepareOptions wanted, std::string_view why) {
    return refuses([&] { prepare(wanted); }, {"out", why, "overwriting"});
  };
  PrepareOptions cut = options("some text", TokenizerKind::Bytes);
  cut.shard_tokens = 4;
  EXPECT_TRUE(refused(cut, "another shard size"));
  EXPECT_TRUE(refused(options("some text", TokenizerKind::Characters), "another tokenizer"));
  PrepareOptions other = options("Some text", TokenizerKind::Bytes);
  EXPECT_TRUE(refused(other, "other texts"));
  EXPECT_EQ(decoded(), "some text");
  other.on_existing = OnExisting::Overwrite;
  other.shard_tokens = 4;
  EXPECT_EQ(prepare(other).outcome, PrepareOutcome::Written);
  EXPECT_EQ(decoded(), "Some text");
  EXPECT_EQ(names().size(), 4U) << "the shards of before are gone";
}

TEST_F(Prepare, DamageOfAFinishedDatasetIsFound) {
  const PrepareOptions wanted = options("some text", TokenizerKind::Characters);
  prepare(wanted);
  const auto shard = wanted.output / "tokens-00000-of-00001.tok";
  const std::string whole = read_file(shard);
  std::string flipped = whole;
  flipped.back() = static_cast<char>(flipped.back() ^ 1);
  write_file(shard, flipped);
  EXPECT_TRUE(refuses([&] { prepare(wanted); }, {"tokens-00000-of-00001.tok", "damaged"}));
  EXPECT_TRUE(refuses([&] { verify_dataset(wanted.output); }, {"damaged"}));
  write_file(shard, whole);
  EXPECT_NO_THROW(verify_dataset(wanted.output));
  std::filesystem::remove(wanted.output / "vocabulary.json");
  EXPECT_TRUE(refuses([&] { verify_dataset(wanted.output); }, {"vocabulary.json", "No such file"}));
  write_file(wanted.output / "vocabulary.json", CharacterVocabulary(U"abcdefg", "here").to_json());
  EXPECT_TRUE(
      refuses([&] { verify_dataset(wanted.output); }, {"vocabulary.json", "is not what the tokens were made with"}));
}

TEST_F(Prepare, AnInterruptedRunIsTakenUpAndItsLeftoversGo) {
  const PrepareOptions wanted = options("some text", TokenizerKind::Bytes);
  std::filesystem::create_directories(wanted.output);
  write_file(wanted.output / "tokens-00000-of-00002.tok", "left over");
  write_file(wanted.output / "tokens-00001-of-00002.tok.tmp", "left over");
  write_file(wanted.output / "notes.md", "the user's own");
  EXPECT_EQ(prepare(wanted).outcome, PrepareOutcome::Written);
  EXPECT_EQ(names(), (std::vector<std::string>{"dataset.json", "notes.md", "tokens-00000-of-00001.tok"}));
}

TEST_F(Prepare, AGivenVocabularyIsUsedAndMustCoverTheText) {
  prepare(options("abcde", TokenizerKind::Characters));
  write_file(folder_ / "b.txt", "edc");
  PrepareOptions second{.inputs = {folder_ / "b.txt"},
                        .output = folder_ / "second",
                        .tokenizer = TokenizerKind::Characters,
                        .vocabulary = folder_ / "out" / "vocabulary.json"};
  EXPECT_EQ(prepare(second).vocabulary, 5);
  EXPECT_EQ(read_file(folder_ / "second" / "vocabulary.json"), read_file(folder_ / "out" / "vocabulary.json"));
  write_file(folder_ / "b.txt", "edcx");
  EXPECT_TRUE(refuses([&] { prepare(second); }, {"vocabulary.json", "U+0078"}));
}

TEST_F(Prepare, BadInputsAreNamed) {
  EXPECT_TRUE(refuses([&] { prepare(options("", TokenizerKind::Bytes)); }, {"a.txt", "is empty"}));
  EXPECT_TRUE(refuses([&] { prepare(options("a\xff", TokenizerKind::Characters)); }, {"a.txt", "byte 1", "bytes"}));
  PrepareOptions missing = options("x", TokenizerKind::Bytes);
  missing.inputs.push_back(folder_ / "none.txt");
  EXPECT_TRUE(refuses([&] { prepare(missing); }, {"none.txt", "No such file"}));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out")) << "nothing is made before the texts are known to be good";
  const PrepareOptions none{.inputs = {}, .output = folder_ / "out"};
  EXPECT_TRUE(refuses<Error>([&] { prepare(none); }, {"no text given"}));
  PrepareOptions contradiction = options("x", TokenizerKind::Bytes);
  contradiction.vocabulary = folder_ / "v.json";
  EXPECT_TRUE(refuses<Error>([&] { prepare(contradiction); }, {"vocabulary", "bytes"}));
}

TEST_F(Prepare, AnOutputThatCannotBeWrittenIsNamed) {
  PrepareOptions wanted = options("x", TokenizerKind::Bytes);
  wanted.output = folder_ / "a.txt";  // a file, not a folder
  EXPECT_TRUE(refuses<StorageError>([&] { prepare(wanted); }, {"a.txt"}));
}

// While it lives, files of this process cannot grow beyond `bytes`: writing fails as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST_F(Prepare, AFullDiskLeavesNothingThatLooksFinished) {
  const PrepareOptions wanted = options(std::string(100000, 'x'), TokenizerKind::Bytes);
  {
    const FileSizeLimit limit(50000);
    EXPECT_TRUE(refuses<StorageError>([&] { prepare(wanted); }, {"part-000000", "cannot write it", "space"}));
  }
  EXPECT_EQ(names(), std::vector<std::string>{"parts"}) << "what is done already, and no dataset";
  EXPECT_EQ(prepare(wanted).outcome, PrepareOutcome::Written);
  EXPECT_EQ(decoded(), std::string(100000, 'x'));
}

TEST_F(Prepare, ATextThatChangesWhileItIsReadIsNeverRecordedAsAnother) {
  // A thread rewrites the text in place all the time, so that the two passes often read different ones. Whatever
  // succeeds must record the fingerprint of what it wrote; a run that saw a change must say so.
  PrepareOptions wanted = options(std::string(1000, 'a'), TokenizerKind::Bytes);
  wanted.on_existing = OnExisting::Overwrite;
  const std::jthread writer([&](const std::stop_token& stop) {
    std::fstream file(wanted.inputs[0], std::ios::in | std::ios::out | std::ios::binary);
    for (char letter = 'a'; !stop.stop_requested(); letter = static_cast<char>('a' + 'b' - letter))
      file.seekp(0).write(std::string(1000, letter).data(), 1000).flush();
  });
  for (int round = 0; round < 30; ++round) {
    try {
      prepare(wanted);
      const std::string written = decoded();
      SourceDigest digest;
      digest.update(std::as_bytes(std::span(written)));
      digest.end_text();
      EXPECT_EQ(DatasetManifest::read(wanted.output).source_fingerprint, digest.finish());
    } catch (const DataError& error) {
      EXPECT_NE(std::string(error.what()).find("changed while they were read"), std::string::npos) << error.what();
      EXPECT_FALSE(std::filesystem::exists(wanted.output / "dataset.json"));
    }
  }
}

TEST_F(Prepare, ASecondWriterIsKeptOut) {
  const PrepareOptions wanted = options("x", TokenizerKind::Bytes);
  {
    const FolderLock held(wanted.output);
    EXPECT_TRUE(refuses<StorageError>([&] { prepare(wanted); }, {"out", "another process"}));
  }
  EXPECT_EQ(prepare(wanted).outcome, PrepareOutcome::Written);
}

}  // namespace
}  // namespace isobath
