// Signals: the work in hand is ended, the state is saved, and the same command goes on as if nothing had been.

#include <sys/stat.h>

#include "launcher/process.hpp"
#include "launcher/trajectory.hpp"

namespace isobath::test {
namespace {

constexpr Seconds kLimit{60};

// Far longer than a test waits; the schedule does not depend on train.steps.
constexpr const char* kTrain = " train run.yaml optim.decay_steps=1000000 checkpoint.every=0 ";
const std::string kForEver = "train.steps=1000000 ";

std::string program() { return ISOBATH_PROGRAM; }
std::string on_two_ranks() { return std::string(ISOBATH_MPIEXEC) + " -n 2 " + program(); }

std::size_t steps_of(const Workbench& bench, const std::string& run) {
  return trajectory(bench / ("runs/" + run + "/metrics.jsonl")).size();
}

/// Waits until the run has done some steps.
bool is_training(const Workbench& bench, const std::string& run) {
  return holds_within(kLimit, [&] { return steps_of(bench, run) >= 3; });
}

bool has_checkpoint(const Workbench& bench, const std::string& run) {
  std::error_code absent;
  for (const auto& step : std::filesystem::directory_iterator(bench / ("runs/" + run + "/checkpoints"), absent))
    if (std::filesystem::exists(step.path() / "manifest.json")) return true;
  return false;
}

/// The stopped run "part" goes on for some steps and must be equal to one that was never stopped.
void expect_goes_on_bit_exactly(const Workbench& bench, const std::string& start) {
  const std::size_t stopped_at = steps_of(bench, "part");
  const std::string steps = "train.steps=" + std::to_string(stopped_at + 3);
  const Ending resumed = bench.shell(start + kTrain + "name=part " + steps);
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_NE(resumed.err.find("resuming from"), std::string::npos) << resumed.err;
  const Ending whole = bench.shell(start + kTrain + "name=whole " + steps);
  ASSERT_EQ(whole.code, 0) << whole.err;
  EXPECT_EQ(trajectory(bench / "runs/part/metrics.jsonl"), trajectory(bench / "runs/whole/metrics.jsonl"));
  EXPECT_EQ(validations(bench / "runs/part/metrics.jsonl"), validations(bench / "runs/whole/metrics.jsonl"));
  EXPECT_EQ(steps_of(bench, "part"), stopped_at + 3);
}

class Signal : public testing::TestWithParam<int> {};

TEST_P(Signal, SavesAndEndsARunOnOneRank) {
  const Workbench bench;
  Process process(bench, program() + kTrain + kForEver + "name=part");
  ASSERT_TRUE(is_training(bench, "part")) << process.err();
  process.send(GetParam());
  ASSERT_EQ(process.ends_within(kLimit), 75) << process.err();
  EXPECT_NE(process.err().find("stopped on request at step"), std::string::npos) << process.err();
  EXPECT_EQ(error_lines(process.err()), 0) << process.err();
  EXPECT_TRUE(has_checkpoint(bench, "part"));
  if (GetParam() == SIGUSR2) expect_goes_on_bit_exactly(bench, program());
}

INSTANTIATE_TEST_SUITE_P(OnOneRank, Signal, testing::Values(SIGUSR2, SIGUSR1, SIGTERM, SIGINT),
                         [](const auto& info) { return std::string(sigabbrev_np(info.param)); });

TEST(Stop, ASignalToOneRankEndsAllOfThemAfterTheSameStep) {
  const Workbench bench;
  Process job(bench, on_two_ranks() + kTrain + kForEver + "name=part");
  ASSERT_TRUE(is_training(bench, "part")) << job.err();
  const auto ranks = job.ranks();
  ASSERT_EQ(ranks.size(), 2u);
  ::kill(ranks.at(1), SIGUSR2);
  ASSERT_EQ(job.ends_within(kLimit), 75) << job.err();
  expect_goes_on_bit_exactly(bench, on_two_ranks());
}

class SignalToMpirun : public testing::TestWithParam<int> {};

TEST_P(SignalToMpirun, SavesAndEndsTheJob) {
  const Workbench bench;
  Process job(bench, on_two_ranks() + kTrain + kForEver + "name=part", GetParam() == SIGTERM ? 4 : 1);
  ASSERT_TRUE(is_training(bench, "part")) << job.err();
  job.send(GetParam());
  // After TERM mpirun returns 1 whatever its ranks return; they are given time, and that is what matters.
  ASSERT_EQ(job.ends_within(kLimit), GetParam() == SIGTERM ? 1 : 75) << job.err();
  EXPECT_NE(job.err().find("stopped on request at step"), std::string::npos) << job.err();
  EXPECT_TRUE(has_checkpoint(bench, "part")) << job.err();
}

INSTANTIATE_TEST_SUITE_P(OnTwoRanks, SignalToMpirun, testing::Values(SIGUSR2, SIGUSR1, SIGTERM),
                         [](const auto& info) { return std::string(sigabbrev_np(info.param)); });

/// A pipe that the program reads its configuration from: what it does before the first step waits for the test.
class HeldConfiguration {
 public:
  explicit HeldConfiguration(const Workbench& bench) : path_(bench / "held.yaml") { ::mkfifo(path_.c_str(), 0600); }
  /// Returns when the program reads.
  int open() const { return ::open(path_.c_str(), O_WRONLY); }
  void release(int pipe) const {
    const std::string text = Workbench::config();
    EXPECT_EQ(::write(pipe, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    ::close(pipe);
  }

 private:
  std::filesystem::path path_;
};

TEST(Stop, BeforeTheFirstStepLeavesARunThatStartsAgain) {
  const Workbench bench;
  const HeldConfiguration held(bench);
  Process process(bench, program() + " train held.yaml");
  const int pipe = held.open();
  process.send(SIGTERM);
  held.release(pipe);
  ASSERT_EQ(process.ends_within(kLimit), 75) << process.err();
  EXPECT_EQ(steps_of(bench, "small"), 0u);
  EXPECT_EQ(bench.run("train run.yaml").code, 0);
}

TEST(Stop, ASecondInterruptEndsAtOnce) {
  const Workbench bench;
  const HeldConfiguration held(bench);
  Process process(bench, program() + " train held.yaml");
  const int pipe = held.open();
  process.send(SIGINT);
  ASSERT_TRUE(holds_within(kLimit, [&] { return process.err().find("interrupt again") != std::string::npos; }));
  process.send(SIGINT);
  EXPECT_EQ(process.ends_within(Seconds(5)), 130) << process.err();
  ::close(pipe);
}

/// Much to validate, one window in a pass.
constexpr const char* kLongValidation =
    "evaluation.every=2 evaluation.windows=1000000 evaluation.batch=1 data.path=large data.validation_fraction=0.9 ";

/// Asks the ranks to stop in the validation that begins after `steps` steps; mpirun would take its time to pass it on.
void stop_in_the_validation_after(std::size_t steps, const Workbench& bench, const Process& job) {
  std::map<int, pid_t> ranks;
  ASSERT_TRUE(holds_within(kLimit, [&] {
    if (ranks.size() < 2) ranks = job.ranks();
    return ranks.size() == 2 && steps_of(bench, "part") == steps;
  })) << job.err();
  for (const int signal : {SIGSTOP, SIGUSR2, SIGCONT})
    for (const auto& [rank, pid] : ranks) ::kill(pid, signal);
}

TEST(Stop, AValidationThatWasStoppedIsMadeUpFor) {
  const Workbench bench;
  bench.write("large.txt", [&] {
    std::string text;
    while (text.size() < 150'000) text += content_of(bench / "text.txt");
    return text;
  }());
  ASSERT_EQ(bench.run("prepare large.txt --output large").code, 0);
  const std::string options = std::string(kTrain) + kLongValidation;
  Process job(bench, on_two_ranks() + options + "name=part train.steps=3");
  stop_in_the_validation_after(2, bench, job);
  ASSERT_EQ(job.ends_within(kLimit), 75) << job.err();
  ASSERT_TRUE(validations(bench / "runs/part/metrics.jsonl").empty()) << "it was over before the signal came";
  EXPECT_NE(job.err().find("stopped on request in a validation"), std::string::npos) << job.err();

  Process again(bench, on_two_ranks() + options + "name=part train.steps=3");
  stop_in_the_validation_after(3, bench, again);
  ASSERT_EQ(again.ends_within(kLimit), 75) << again.err();
  EXPECT_EQ(validations(bench / "runs/part/metrics.jsonl").size(), 1u) << "the last one was stopped too";

  ASSERT_EQ(bench.shell(on_two_ranks() + options + "name=part train.steps=3").code, 0);
  ASSERT_EQ(bench.shell(on_two_ranks() + options + "name=whole train.steps=3").code, 0);
  EXPECT_EQ(trajectory(bench / "runs/part/metrics.jsonl"), trajectory(bench / "runs/whole/metrics.jsonl"));
  EXPECT_EQ(validations(bench / "runs/part/metrics.jsonl"), validations(bench / "runs/whole/metrics.jsonl"));
  EXPECT_NE(bench.shell(on_two_ranks() + options + "name=part train.steps=3").out.find("the run is finished"),
            std::string::npos);
}

TEST(Stop, AnEvaluationWritesAllOrNothing) {
  const Workbench bench;
  ASSERT_EQ(bench.run(std::string("train run.yaml data.validation_fraction=0.5 train.steps=1 train.batch=2")).code, 0);
  const std::filesystem::path config = bench / "runs/small/config.yaml";
  const HeldConfiguration held(bench);
  const std::string text = content_of(config);
  std::filesystem::remove(config);
  ASSERT_EQ(::mkfifo(config.c_str(), 0600), 0);
  Process process(bench, program() + " evaluate runs/small");
  const int pipe = ::open(config.c_str(), O_WRONLY);
  process.send(SIGUSR2);
  ASSERT_EQ(::write(pipe, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ::close(pipe);
  ASSERT_EQ(process.ends_within(kLimit), 75) << process.err();
  EXPECT_FALSE(std::filesystem::exists(bench / "runs/small/evaluation.json"));
}

/// Folders that benchmarks have made here.
std::size_t bench_folders(const Workbench& bench) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(bench / "."))
    count += entry.path().filename().string().find("isobath-bench-") != std::string::npos;
  return count;
}

const std::string kBench = " bench --checkpoints --layers 2 --width 64 --heads 2 --context 32 --batch 2";

TEST(Stop, ABenchmarkLeavesNoFolder) {
  const Workbench bench;
  Process process(bench, on_two_ranks() + kBench);
  ASSERT_TRUE(holds_within(kLimit, [&] { return bench_folders(bench) == 1; })) << process.err();
  process.send(SIGUSR2);
  ASSERT_EQ(process.ends_within(kLimit), 75) << process.err();
  EXPECT_NE(process.err().find("stopped on request in a benchmark"), std::string::npos) << process.err();
  EXPECT_EQ(bench_folders(bench), 0u);
}

TEST(Stop, WhatAKilledBenchmarkLeftIsRemovedByTheNext) {
  const Workbench bench;
  Process other(bench, program() + kBench);
  ASSERT_TRUE(holds_within(
      kLimit, [&] { return std::filesystem::exists(bench / ("isobath-bench-" + std::to_string(other.pid()))); }));
  other.send(SIGSTOP);  // it lives: its folder is not touched
  Process killed(bench, program() + kBench);
  ASSERT_TRUE(holds_within(
      kLimit, [&] { return std::filesystem::exists(bench / ("isobath-bench-" + std::to_string(killed.pid()))); }));
  killed.send(SIGKILL);
  ASSERT_EQ(killed.ends_within(kLimit), 137);
  ASSERT_EQ(bench_folders(bench), 2u);
  std::filesystem::create_directory(bench / "isobath-bench-notes");
  const Ending next = bench.run(kBench.substr(1));
  EXPECT_EQ(next.code, 0) << next.err;
  EXPECT_FALSE(std::filesystem::exists(bench / ("isobath-bench-" + std::to_string(killed.pid()))));
  EXPECT_TRUE(std::filesystem::exists(bench / ("isobath-bench-" + std::to_string(other.pid()))));
  EXPECT_TRUE(std::filesystem::exists(bench / "isobath-bench-notes")) << "of somebody else";
}

TEST(Stop, PreparingLeavesNoShards) {
  const Workbench bench;
  bench.write("zeros.txt", "");
  std::filesystem::resize_file(bench / "zeros.txt", std::uintmax_t{1} << 28);
  Process process(bench, program() + " prepare zeros.txt --output zeros --shard-tokens 4000000");
  const auto files = [&] {
    std::error_code absent;
    std::size_t count = 0;
    for (const auto& file : std::filesystem::directory_iterator(bench / "zeros", absent))
      count += file.path().filename().string().starts_with("tokens-");
    return count;
  };
  ASSERT_TRUE(holds_within(kLimit, [&] { return files() >= 2; })) << process.err();
  process.send(SIGTERM);
  ASSERT_EQ(process.ends_within(kLimit), 75) << process.err();
  EXPECT_EQ(files(), 0u);
  EXPECT_FALSE(std::filesystem::exists(bench / "zeros/dataset.json"));
}

}  // namespace
}  // namespace isobath::test
