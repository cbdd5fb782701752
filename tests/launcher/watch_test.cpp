// Ranks that hang or die: the others say which one, and the job ends with the documented code and leaves no process.

#include <sys/stat.h>

#include "launcher/process.hpp"
#include "launcher/trajectory.hpp"
#include "ops/core/files/json.hpp"

namespace isobath::test {
namespace {

constexpr Seconds kLimit{60};
// Steps and nothing else: saves, validations and comparisons of weights have other collectives.
const std::string kTrain =
    " train run.yaml checkpoint.every=0 evaluation.every=0 guard.hash_every=0 train.steps=1000000 "
    "optim.decay_steps=1000000 ";

std::string on_ranks(int count) {
  return std::string(ISOBATH_MPIEXEC) + " -n " + std::to_string(count) + " " + ISOBATH_PROGRAM;
}

bool is_training(const Workbench& bench) {
  return holds_within(kLimit, [&] { return trajectory(bench / "runs/small/metrics.jsonl").size() >= 3; });
}

void expect_gone(const std::map<int, pid_t>& ranks) {
  for (const auto& [rank, pid] : ranks)
    EXPECT_TRUE(holds_within(Seconds(5), [pid = pid] { return is_gone(pid); })) << "rank " << rank << " is left";
}

/// The report of the rank that is furthest behind. A rank may have got the message of the one that stands still when
/// another has not: it is one collective ahead, or in the second half of the same one, and misses both there, or only
/// the one that is behind.
nlohmann::json furthest_behind(const Workbench& bench) {
  nlohmann::json found;
  for (const char* rank : {"0", "2"}) {
    const std::string report = content_of(bench / ("runs/small/crash-" + std::string(rank) + ".json"));
    if (report.empty()) continue;
    const auto crash = nlohmann::json::parse(report);
    const auto place = [](const nlohmann::json& of) {
      return std::pair{of.at("waited_in").at("sequence").get<int>(), of.at("missing_count").get<int>()};
    };
    if (found.is_null() || place(crash) < place(found)) found = crash;
  }
  return found;
}

TEST(Watchdog, NamesARankThatStandsStill) {
  const Workbench bench;
  Process job(bench, on_ranks(3) + kTrain + "watchdog.step=3");
  ASSERT_TRUE(is_training(bench)) << job.err();
  const auto ranks = job.ranks();
  ASSERT_EQ(ranks.size(), 3u);
  ::kill(ranks.at(1), SIGSTOP);
  ASSERT_EQ(job.ends_within(Seconds(20)), 79) << job.err();
  EXPECT_TRUE(job.err().find("rank 1 is missing in all_reduce") != std::string::npos ||
              job.err().find("rank 1 was missing in all_reduce") != std::string::npos)
      << job.err();
  expect_gone(ranks);
  const nlohmann::json crash = furthest_behind(bench);
  SCOPED_TRACE(job.err() + crash.dump());
  EXPECT_EQ(crash.at("missing"), std::vector<int>{1});
  EXPECT_EQ(crash.at("stage"), "step");
  EXPECT_EQ(crash.at("limit"), 3);
  EXPECT_EQ(crash.at("waited_in").at("kind"), "all_reduce");
  EXPECT_GT(crash.at("collectives").size(), 20u);
  EXPECT_FALSE(std::filesystem::exists(bench / "runs/small/crash-1.json")) << "a rank that was stopped accuses nobody";
}

TEST(Watchdog, EndsARankThatWaitsInMpiForOneThatNeverComes) {
  const Workbench bench;
  // The second process of the job is no MPI program, so the first one never leaves MPI_Init.
  Process job(bench, std::string(ISOBATH_MPIEXEC) + " -n 1 " + ISOBATH_PROGRAM + kTrain +
                         "watchdog.start_up=2 : -n 1 sleep 60");
  ASSERT_EQ(job.ends_within(Seconds(20)), 79) << job.err();
  EXPECT_NE(job.err().find("error: rank 0: MPI has not started within 2.0 s"), std::string::npos) << job.err();
}

TEST(Watchdog, IsNotStoppedByADiskThatHangs) {
  const Workbench bench;
  Process job(bench, on_ranks(2) + kTrain + "watchdog.step=2");
  ASSERT_TRUE(is_training(bench)) << job.err();
  // Nobody reads from this pipe: writing to it never begins.
  for (const char* rank : {"0", "1"})
    ASSERT_EQ(::mkfifo((bench / ("runs/small/crash-" + std::string(rank) + ".json.tmp")).c_str(), 0600), 0);
  const auto ranks = job.ranks();
  ::kill(ranks.at(1), SIGSTOP);
  ASSERT_EQ(job.ends_within(Seconds(25)), 79) << job.err();
  EXPECT_NE(job.err().find("rank 1 is missing in all_reduce"), std::string::npos) << job.err();
  expect_gone(ranks);
}

TEST(Death, OfARankEndsTheJobAndNamesIt) {
  const Workbench bench;
  Process job(bench, on_ranks(3) + kTrain);
  ASSERT_TRUE(is_training(bench)) << job.err();
  const auto ranks = job.ranks();
  ASSERT_EQ(ranks.size(), 3u);
  ::kill(ranks.at(2), SIGKILL);
  ASSERT_EQ(job.ends_within(Seconds(10)), 137) << job.err();
  EXPECT_NE(job.err().find("rank 2 (process " + std::to_string(ranks.at(2)) + " on this host) has died"),
            std::string::npos)
      << job.err();
  expect_gone(ranks);
}

}  // namespace
}  // namespace isobath::test
