// Spikes and starts that lead nowhere, in the real program.

#include <numeric>

#include "launcher/process.hpp"
#include "launcher/trajectory.hpp"
#include "ops/core/files/json.hpp"

namespace isobath::test {
namespace {

// Every loss above the mean of the last two is a spike.
constexpr const char* kNervous =
    "train run.yaml optim.decay_steps=40 checkpoint.every=1 guard.spike_window=2 guard.spike_z=0 guard.roll_backs=30 ";

std::vector<std::int64_t> steps_of(const std::vector<std::string>& lines) {
  std::vector<std::int64_t> steps;
  for (const std::string& line : lines) steps.push_back(nlohmann::json::parse(line)[0]);
  return steps;
}

class Spike : public testing::TestWithParam<std::string> {};

TEST_P(Spike, IsHandledAlikeInAResumedRun) {
  const Workbench bench;
  const std::string arguments = kNervous + std::string("guard.on_spike=") + GetParam();
  const Ending whole = bench.run(2, arguments + " name=whole train.steps=12");
  ASSERT_EQ(whole.code, 0) << whole.err;
  EXPECT_NE(whole.err.find("is a spike"), std::string::npos) << whole.err;
  EXPECT_EQ(whole.out.find("went back to step") != std::string::npos, GetParam() == "roll_back");
  ASSERT_EQ(bench.run(2, arguments + " name=part train.steps=7").code, 0);
  ASSERT_EQ(bench.run(2, arguments + " name=part train.steps=12").code, 0);
  const auto lines = trajectory(bench / "runs/whole/metrics.jsonl");
  EXPECT_EQ(lines, trajectory(bench / "runs/part/metrics.jsonl"));
  std::vector<std::int64_t> all(12);
  std::iota(all.begin(), all.end(), 1);
  EXPECT_EQ(steps_of(lines), all);
}

INSTANTIATE_TEST_SUITE_P(On, Spike, testing::Values("skip", "roll_back"), [](const auto& info) { return info.param; });

TEST(SpikeStop, EndsWith93) {
  const Workbench bench;
  const Ending ending = bench.run(2, std::string(kNervous) + "guard.on_spike=stop train.steps=40");
  EXPECT_EQ(ending.code, 93) << ending.err;
  EXPECT_EQ(error_lines(ending.err), 1) << ending.err;
  EXPECT_NE(ending.err.find("guard.on_spike is stop"), std::string::npos) << ending.err;
}

TEST(StartsThatLeadNowhere, EndWith93AndSayHowToGoOn) {
  const Workbench bench;
  const std::string arguments = "train run.yaml guard.max_restarts=2 optim.decay_steps=9 checkpoint.every=0 ";
  for (int start = 0; start < 2; ++start) {
    Process process(bench, std::string(ISOBATH_PROGRAM) + " " + arguments + "train.steps=100000");
    ASSERT_TRUE(holds_within(Seconds(60), [&] { return !trajectory(bench / "runs/small/metrics.jsonl").empty(); }));
    process.send(SIGKILL);
    ASSERT_EQ(process.ends_within(Seconds(10)), 137);
    std::filesystem::remove(bench / "runs/small/metrics.jsonl");
  }
  const Ending third = bench.run(arguments + "train.steps=100000");
  EXPECT_EQ(third.code, 93) << third.err;
  EXPECT_NE(third.err.find("raise guard.max_restarts"), std::string::npos) << third.err;
  std::filesystem::remove(bench / "runs/small/restarts.jsonl");
  EXPECT_EQ(bench.run(arguments + "train.steps=2").code, 0);
}

}  // namespace
}  // namespace isobath::test
