// A process that is killed, not asked: at every named point of saving, pruning and loading, and at moments it does not
// know. What was whole before must load afterwards, bit for bit, and nobody has to clean up.

#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checkpoint/support.hpp"
#include "ops/core/random.hpp"
#include "parallel/self_communicator.hpp"
#include "parallel/thread_ranks.hpp"
#include "trainer/checkpoint/catalog/find.hpp"
#include "trainer/checkpoint/catalog/prune.hpp"
#include "trainer/checkpoint/storage/observer.hpp"

namespace isobath::test {
namespace {

namespace fs = std::filesystem;

constexpr int kWorld = 2;

struct KillPoint {
  CheckpointPoint point;
  int visit;  // which visit of the point, over all ranks
};

void PrintTo(const KillPoint& kill, std::ostream* out) {
  *out << "point " << static_cast<int>(kill.point) << " visit " << kill.visit;
}

/// Every point at its first visit; the points that each rank passes also at the last.
std::vector<KillPoint> kill_points() {
  std::vector<KillPoint> kills;
  for (const CheckpointPoint point : kCheckpointPoints) {
    kills.push_back({point, 1});
    if (point <= CheckpointPoint::ShardDone) kills.push_back({point, kWorld});
  }
  return kills;
}

void die_at(const KillPoint& kill) {
  const auto visits = std::make_shared<std::atomic<int>>(0);
  set_checkpoint_observer([kill, visits](CheckpointPoint point) {
    if (point == kill.point && ++*visits == kill.visit) raise(SIGKILL);
  });
}

/// Saves step 200, prunes down to it and loads it.
void life_of_a_step(const fs::path& root) {
  save_at(root, 200, kWorld);
  prune_checkpoints(root, 1);
  expect_loads(find_latest(root, VerifyLevel::Size).directory.value(), 200, kWorld);
}

class KilledAt : public ::testing::TestWithParam<KillPoint> {
 protected:
  /// Runs the step in a child that dies at the point.
  void run_to_death(const fs::path& root) {
    const int status = in_child([&] {
      die_at(GetParam());
      life_of_a_step(root);
    });
    ASSERT_TRUE(WIFSIGNALED(status)) << "the point was not reached";
    ASSERT_EQ(WTERMSIG(status), SIGKILL);
  }

  /// What a run that was never killed leaves behind.
  std::map<std::string, std::string> undisturbed(const Scratch& scratch) {
    life_of_a_step(scratch.path() / "undisturbed");
    return files_below(scratch.path() / "undisturbed");
  }
};

TEST_P(KilledAt, TheLastWholeCheckpointLoads) {
  const Scratch scratch;
  save_at(scratch.root(), 100, 3);
  ASSERT_NO_FATAL_FAILURE(run_to_death(scratch.root()));

  const bool counts = GetParam().point >= CheckpointPoint::ManifestDone;
  const LatestCheckpoint latest = find_latest(scratch.root(), VerifyLevel::Full);
  ASSERT_TRUE(latest.directory);
  EXPECT_EQ(latest.directory->filename(), counts ? "step-00000200" : "step-00000100");
  expect_loads(*latest.directory, counts ? 200 : 100);
  if (!counts) {
    ASSERT_EQ(latest.skipped.size(), 1u);
    EXPECT_NE(latest.skipped[0].reason.find("no manifest.json"), std::string::npos) << latest.skipped[0].reason;
  }

  // The run goes on over the leftovers and ends with the files of a run that was never killed.
  life_of_a_step(scratch.root());
  EXPECT_EQ(files_below(scratch.root()), undisturbed(scratch));
}

TEST_P(KilledAt, ACheckpointThatIsBeingReplacedIsNeverLost) {
  const Scratch scratch;
  save_at(scratch.root(), 200, 3);
  ASSERT_NO_FATAL_FAILURE(run_to_death(scratch.root()));
  const LatestCheckpoint latest = find_latest(scratch.root(), VerifyLevel::Full);
  ASSERT_TRUE(latest.directory);
  expect_loads(*latest.directory, 200);
  life_of_a_step(scratch.root());
  EXPECT_EQ(files_below(scratch.root()), undisturbed(scratch));
}

INSTANTIATE_TEST_SUITE_P(EveryPoint, KilledAt, ::testing::ValuesIn(kill_points()));

/// Saves one step after the other, from the one after `last`, until it is killed.
[[noreturn]] void save_for_ever(const fs::path& root, std::int64_t last) {
  while (true) {
    save_at(root, ++last, kWorld);
    prune_checkpoints(root, 2);
  }
}

TEST(Killed, AtMomentsItDoesNotKnow) {
  const Scratch scratch;
  constexpr std::int64_t kFirst = 2;
  std::int64_t last = kFirst;
  save_at(scratch.root(), 1, kWorld);
  const auto begun = std::chrono::steady_clock::now();
  save_at(scratch.root(), kFirst, kWorld);
  const std::chrono::microseconds one_save =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begun);
  for (std::uint64_t round = 0; round < 25; ++round) {
    const pid_t child = fork();
    if (child == 0) save_for_ever(scratch.root(), last);
    // Some saves fit into the longest wait on any disk, so that the kills fall everywhere into a save.
    const float share = to_uniform(draw4(RandomKey{17, Purpose::Test, round}.words(), 0, 0, 0)[0]);
    std::this_thread::sleep_for(5.0F * share * one_save);
    kill(child, SIGKILL);
    ASSERT_EQ(waitpid(child, nullptr, 0), child);

    const LatestCheckpoint latest = find_latest(scratch.root(), VerifyLevel::Full);
    ASSERT_TRUE(latest.directory) << "round " << round;
    const std::int64_t found = read_manifest(*latest.directory).state.step;
    EXPECT_GE(found, last) << "a durable step was lost in round " << round;
    expect_loads(*latest.directory, found);
    last = found;
  }
  EXPECT_GT(last, kFirst) << "no save ever ended: the waits are too short to test anything";
}

}  // namespace
}  // namespace isobath::test
