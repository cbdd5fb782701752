// A dataset by several ranks: the bytes of one rank, whoever is killed on the way, and one error for all.

#include <map>

#include "launcher/process.hpp"

namespace isobath::test {
namespace {

constexpr Seconds kLimit{60};
const std::string kSmallParts = " --threads 1 --part-bytes 20000";

/// Words in changing order, in lines and paragraphs.
std::string prose(std::size_t bytes) {
  const std::vector<std::string> words{"the", "quick", "brown", "fox", "jumps", "over", "a", "läzy", "dog", "and"};
  std::string out;
  for (std::size_t i = 0; out.size() < bytes; ++i)
    out += words[i * i * i % 10] + (i % 13 == 12 ? ".\n" : i % 57 == 3 ? ".\n\n" : " ");
  return out;
}

/// Every file below a folder, by its path there.
std::map<std::string, std::string> files_of(const std::filesystem::path& folder) {
  std::map<std::string, std::string> out;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    out[entry.path().lexically_relative(folder).string()] =
        entry.is_regular_file() ? content_of(entry.path()) : "a folder";
  return out;
}

std::size_t parts_of(const Workbench& bench, const std::string& output) {
  std::error_code absent;
  std::size_t count = 0;
  for (const auto& file : std::filesystem::directory_iterator(bench / (output + "/parts"), absent))
    count += file.path().extension() == ".tok";
  return count;
}

std::string on_ranks(int ranks) {
  return std::string(ISOBATH_MPIEXEC) + " -n " + std::to_string(ranks) + " " + ISOBATH_PROGRAM;
}

class PreparedByRanks : public testing::Test {
 protected:
  PreparedByRanks() {
    std::filesystem::create_directory(bench_ / "texts");
    for (int i = 0; i < 3; ++i)
      bench_.write("texts/" + std::to_string(i) + ".txt", prose(100000 + static_cast<std::size_t>(i) * 7919));
  }

  /// `what` by one rank in the folder alone, and by each number of ranks.
  void expect_equal_bytes(const std::string& what, const std::vector<int>& ranks) {
    const std::string command = "prepare " + what;
    const Ending alone = bench_.run(command + " --output alone");
    ASSERT_EQ(alone.code, 0) << alone.err;
    const auto expected = files_of(bench_ / "alone");
    for (const int count : ranks) {
      const std::string output = "by-" + std::to_string(count);
      const Ending together = bench_.run(count, command + " --output " + output);
      ASSERT_EQ(together.code, 0) << count << " ranks: " << together.err;
      EXPECT_TRUE(files_of(bench_ / output) == expected) << count << " ranks";
      EXPECT_EQ(together.out.substr(together.out.find(':')), alone.out.substr(alone.out.find(':')))
          << "rank 0 alone reports, what one rank does";
    }
  }

  /// A vocabulary, so that parts are all that is to do.
  std::string trained() {
    const Ending learnt = bench_.run("prepare texts/0.txt --output learnt --tokenizer bpe --vocabulary 300");
    EXPECT_EQ(learnt.code, 0) << learnt.err;
    return " --tokenizer bpe:learnt/tokenizer.json ";
  }

  const Workbench bench_;
};

TEST_F(PreparedByRanks, BytePairsHaveTheBytesOfOneRank) {
  expect_equal_bytes("texts --tokenizer bpe --vocabulary 400 --documents blank-line --shard-tokens 50000" + kSmallParts,
                     {1, 2, 3});
}

TEST_F(PreparedByRanks, CharactersHaveTheBytesOfOneRank) {
  expect_equal_bytes("texts --tokenizer characters" + kSmallParts, {2, 3});
}

TEST_F(PreparedByRanks, SentencePiecesHaveTheBytesOfOneRank) {
  const Ending alone = bench_.run("prepare texts/0.txt --output tried --tokenizer sentencepiece --vocabulary 400");
  if (alone.code == 69) GTEST_SKIP() << "built without SentencePiece";
  expect_equal_bytes("texts --tokenizer sentencepiece --vocabulary 400 --documents line" + kSmallParts, {2});
}

TEST_F(PreparedByRanks, LessThanAPartIsNoLessWhole) { expect_equal_bytes("text.txt", {3}); }

TEST_F(PreparedByRanks, WhatIsThereIsVerified) {
  ASSERT_EQ(bench_.run("prepare texts --output alone").code, 0);
  const Ending again = bench_.run(2, "prepare texts --output alone");
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_TRUE(again.out.starts_with("already there, verified")) << again.out;
}

TEST_F(PreparedByRanks, AKilledRankEndsAllAndAnotherNumberGoesOn) {
  const std::string vocabulary = trained();
  const std::string command = " prepare large.txt --shard-tokens 3000000" + vocabulary + kSmallParts;
  bench_.write("large.txt", prose(10'000'000));
  Process job(bench_, on_ranks(2) + command + " --output killed");
  ASSERT_TRUE(holds_within(kLimit, [&] { return parts_of(bench_, "killed") >= 20; })) << job.err();
  const auto ranks = job.ranks();
  ASSERT_EQ(ranks.size(), 2u);
  ::kill(ranks.at(1), SIGKILL);
  const auto code = job.ends_within(kLimit);
  ASSERT_TRUE(code && *code != 0) << "it was not in the middle: " << job.err();
  EXPECT_TRUE(is_gone(ranks.at(0)));
  ASSERT_FALSE(std::filesystem::exists(bench_ / "killed/dataset.json"));
  const auto kept = parts_of(bench_, "killed");
  EXPECT_GE(kept, 20u);
  const auto first = std::filesystem::last_write_time(bench_ / "killed/parts/part-000000.tok");
  Process next(bench_, on_ranks(3) + command + " --output killed");
  ASSERT_TRUE(holds_within(kLimit, [&] { return parts_of(bench_, "killed") > kept; })) << next.err();
  EXPECT_EQ(std::filesystem::last_write_time(bench_ / "killed/parts/part-000000.tok"), first) << "made again";
  ASSERT_EQ(next.ends_within(kLimit), 0) << next.err();
  ASSERT_EQ(bench_
                .shell(std::string(ISOBATH_PROGRAM) + " prepare large.txt --shard-tokens 3000000" + vocabulary +
                       "--output whole")
                .code,
            0);
  EXPECT_TRUE(files_of(bench_ / "killed") == files_of(bench_ / "whole"));
}

TEST_F(PreparedByRanks, ABadTextInOneShareEndsAllWithOneErrorAndItsCode) {
  std::string lines;
  for (int i = 0; i < 3000; ++i) lines += i == 1500 ? "{\"text\": 5}\n" : "{\"text\": \"a lazy dog sleeps\"}\n";
  bench_.write("records.jsonl", lines);
  const std::string command = "prepare records.jsonl --documents jsonl:text" + trained() + kSmallParts + " --output ";
  const Ending alone = bench_.run(command + "alone");
  ASSERT_EQ(alone.code, 65) << alone.err;
  for (const int ranks : {2, 3}) {
    const Ending together = bench_.run(ranks, command + "together");
    EXPECT_EQ(together.code, 65) << together.err;
    EXPECT_EQ(error_lines(together.err), 1) << together.err;
    EXPECT_NE(together.err.find("records.jsonl"), std::string::npos) << together.err;
  }
  EXPECT_FALSE(std::filesystem::exists(bench_ / "together/dataset.json"));
}

TEST_F(PreparedByRanks, AMistakeIsSaidOnce) {
  const auto expect = [&](const std::string& arguments, int code, const std::string& words) {
    const Ending ending = bench_.run(2, arguments);
    EXPECT_EQ(ending.code, code) << ending.err;
    EXPECT_EQ(error_lines(ending.err), 1) << ending.err;
    EXPECT_NE(ending.err.find(words), std::string::npos) << ending.err;
  };
  expect("prepare texts --output out --tokenizer words", 64, "the tokenizers are");
  expect("prepare absent.txt --output out", 65, "absent.txt");
  expect("prepare texts --output text.txt", 74, "text.txt");
}

TEST_F(PreparedByRanks, ASignalToOneRankStopsAll) {
  const std::string command = " prepare large.txt" + trained() + kSmallParts + " --output stopped";
  bench_.write("large.txt", prose(10'000'000));
  Process job(bench_, on_ranks(2) + command);
  ASSERT_TRUE(holds_within(kLimit, [&] { return parts_of(bench_, "stopped") >= 20; })) << job.err();
  const auto ranks = job.ranks();
  ASSERT_EQ(ranks.size(), 2u);
  ::kill(ranks.at(1), SIGUSR2);
  ASSERT_EQ(job.ends_within(kLimit), 75) << job.err();
  EXPECT_EQ(error_lines(job.err()), 0) << job.err();
  EXPECT_FALSE(std::filesystem::exists(bench_ / "stopped/dataset.json"));
}

}  // namespace
}  // namespace isobath::test
