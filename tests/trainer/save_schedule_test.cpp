// When a checkpoint is due if its cost decides.

#include "trainer/run/save_schedule.hpp"

#include <cmath>
#include <cstdlib>

#include <gtest/gtest.h>

#include "trainer/run/save_clock.hpp"

namespace isobath::test {
namespace {

TEST(SaveSchedule, IsYoungs) {
  // The table of the reference fleet: 1024 devices fail every 49.5 hours; a save of 60 s is then due every 77 minutes.
  EXPECT_NEAR(young_interval(60.0, 49.5 * 3600.0) / 60.0, 77.0, 0.5);
  const SaveTiming timing{.since_last = 100.0, .cost = 2.0, .until_durable = 5.0, .step = 1.0, .mtbf = 10000.0};
  EXPECT_DOUBLE_EQ(due_in(timing), 200.0 - 100.0);
}

TEST(SaveSchedule, MinimisesTheExpectedLoss) {
  // Young's loss per second at interval T: C / T for saving, T / 2 / MTBF for what a failure throws away.
  const auto loss = [](double interval) { return 3.0 / interval + interval / 2.0 / 7000.0; };
  const double best = young_interval(3.0, 7000.0);
  for (const double factor : {0.5, 0.9, 1.1, 2.0}) EXPECT_LT(loss(best), loss(best * factor));
}

TEST(SaveSchedule, NeverFollowsSoonerThanASaveTakes) {
  const SaveTiming timing{.since_last = 3.0, .cost = 0.0, .until_durable = 50.0, .step = 1.0, .mtbf = 3600.0};
  EXPECT_DOUBLE_EQ(due_in(timing), 47.0);
}

TEST(SaveSchedule, TheLastCallComesInTimeAndOnce) {
  SaveTiming timing{.since_last = 10.0, .cost = 10.0, .until_durable = 20.0, .step = 2.0, .mtbf = 1e6, .left = 100.0};
  EXPECT_DOUBLE_EQ(last_call(timing), 44.0);
  EXPECT_DOUBLE_EQ(due_in(timing), 56.0) << "sooner than Young's 4472 s, because the job ends";
  timing.left = 43.0;
  EXPECT_EQ(steps_to_next_look(timing), kSaveNow);
  timing.since_last = 0.5;  // it was made half a second ago, after the call
  EXPECT_TRUE(std::isinf(due_in(timing)));
  EXPECT_GT(steps_to_next_look(timing), 0);
}

TEST(SaveSchedule, LooksAgainHalfWay) {
  SaveTiming timing{.since_last = 0.0, .cost = 2.0, .until_durable = 1.0, .step = 1.0, .mtbf = 10000.0};
  int looks = 0;
  std::int64_t steps = 0;
  while (const std::int64_t next = steps_to_next_look(timing)) {
    steps += next;
    timing.since_last += static_cast<double>(next) * timing.step;
    ++looks;
  }
  EXPECT_EQ(steps, 200) << "as Young says at a second a step";
  EXPECT_LE(looks, 9) << "log2 of the steps between";
  timing.since_last = 0.0;
  timing.step = 1000.0;
  EXPECT_EQ(steps_to_next_look(timing), kSaveNow) << "a step longer than the interval saves every time";
}

TEST(SaveClock, TheJobsEndIsTheConfigurationsOrSlurms) {
  ::unsetenv("SLURM_JOB_END_TIME");
  CheckpointConfig config;
  EXPECT_FALSE(job_seconds(config));
  const auto now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  ::setenv("SLURM_JOB_END_TIME", std::to_string(static_cast<long long>(now) + 5000).c_str(), 1);
  EXPECT_NEAR(job_seconds(config).value(), 5000.0, 60.0);
  config.walltime_hours = 2.0;
  EXPECT_DOUBLE_EQ(job_seconds(config).value(), 7200.0);
  ::setenv("SLURM_JOB_END_TIME", "soon", 1);
  config.walltime_hours = 0.0;
  EXPECT_FALSE(job_seconds(config));
  ::unsetenv("SLURM_JOB_END_TIME");
}

TEST(SaveClock, MeasuresWhatASaveCostsTheRun) {
  SaveClock clock(CheckpointConfig{});
  clock.step(1.0);
  EXPECT_FALSE(clock.knows_cost());
  clock.requested();
  clock.stalled(0.25);
  for (int i = 0; i < 4; ++i) clock.step(1.5);
  clock.durable();
  EXPECT_DOUBLE_EQ(clock.timing().cost, 0.25 + 4 * 0.5);
  EXPECT_DOUBLE_EQ(clock.timing().step, 1.0) << "steps beside a save are not the usual ones";
  clock.requested();
  clock.step(0.5);
  clock.given_up();
  EXPECT_DOUBLE_EQ(clock.timing().cost, 2.25) << "a save that failed tells nothing";
}

}  // namespace
}  // namespace isobath::test
