// Pruning keeps what it should, goes manifest first, and never touches what it does not know.

#include "trainer/checkpoint/catalog/prune.hpp"

#include <cerrno>

#include <gtest/gtest.h>

#include "checkpoint/faults.hpp"
#include "checkpoint/support.hpp"
#include "trainer/checkpoint/catalog/find.hpp"
#include "trainer/checkpoint/storage/observer.hpp"
#include "trainer/checkpoint/storage/step_directory.hpp"

namespace isobath::test {
namespace {

namespace fs = std::filesystem;

std::vector<std::int64_t> steps(const fs::path& root) {
  std::vector<std::int64_t> found;
  for (const StepDirectory& directory : step_directories(root)) found.push_back(directory.step);
  return found;
}

class Prune : public ::testing::Test {
 protected:
  Prune() {
    for (const std::int64_t step : {100, 200, 300, 400}) save_at(root_, step, 2);
  }
  fs::path step(std::int64_t number) const { return root_ / step_name(number); }

  Scratch scratch_;
  fs::path root_ = scratch_.root();
};

TEST_F(Prune, KeepsExactlyTheLast) {
  const PruneReport report = prune_checkpoints(root_, 2);
  EXPECT_EQ(report.removed, (std::vector<fs::path>{step(200), step(100)}));
  EXPECT_TRUE(report.problems.empty());
  EXPECT_EQ(steps(root_), (std::vector<std::int64_t>{400, 300}));
  expect_loads(step(300), 300);
  expect_loads(step(400), 400);
  EXPECT_TRUE(prune_checkpoints(root_, 2).removed.empty());
  EXPECT_EQ(prune_checkpoints(root_, 1).removed, std::vector<fs::path>{step(300)});
  EXPECT_TRUE(fs::exists(root_ / "latest"));
}

TEST_F(Prune, KeepsMilestonesForGood) {
  EXPECT_EQ(prune_checkpoints(root_, 1, 200).removed, (std::vector<fs::path>{step(300), step(100)}));
  EXPECT_EQ(steps(root_), (std::vector<std::int64_t>{400, 200}));
  fs::remove(step(200) / "manifest.json");  // what is left of one is no milestone
  EXPECT_EQ(prune_checkpoints(root_, 1, 200).removed, std::vector<fs::path>{step(200)});
}

TEST_F(Prune, RemovesTheManifestFirst) {
  int seen = 0;
  set_checkpoint_observer([&](CheckpointPoint point) {
    if (point != CheckpointPoint::InPruning) return;
    const fs::path current = step(seen++ == 0 ? 200 : 100);
    EXPECT_FALSE(fs::exists(current / "manifest.json"));
    EXPECT_TRUE(fs::exists(current / "shard-00000-of-00002.h5"));
    EXPECT_TRUE(fs::exists(current / "shard-00001-of-00002.h5"));
  });
  const FaultPlan plan;
  prune_checkpoints(root_, 2);
  set_checkpoint_observer({});
  EXPECT_EQ(seen, 2);
  // Without the sync, the shards could be gone after a power cut while the manifest is still there.
  std::vector<std::string> synced;
  for (const Call& call : plan.calls())
    if (call.call == "fsync") synced.push_back(call.path);
  EXPECT_EQ(synced, (std::vector<std::string>{step(200), root_, step(100), root_}));
}

TEST_F(Prune, LeavesDamagedOnesAndDoesNotCountThem) {
  write_file(step(300) / "shard-00000-of-00002.h5", "damaged");
  write_file(step(100) / "manifest.json", "damaged");
  EXPECT_EQ(prune_checkpoints(root_, 2).removed, std::vector<fs::path>{});
  EXPECT_EQ(prune_checkpoints(root_, 1).removed, std::vector<fs::path>{step(200)});
  EXPECT_EQ(steps(root_), (std::vector<std::int64_t>{400, 300, 100}));
}

TEST_F(Prune, RemovesWhatInterruptedSavesLeftButNotOneThatIsNewer) {
  fs::create_directory(step(150));
  write_file(step(150) / "shard-00000-of-00002.h5.tmp", "half");
  fs::create_directory(step(500));
  EXPECT_EQ(prune_checkpoints(root_, 4).removed, std::vector<fs::path>{step(150)});
  EXPECT_TRUE(fs::exists(step(500)));
}

TEST_F(Prune, WithoutAWholeOneNothingGoes) {
  for (const std::int64_t number : {100, 200, 300, 400}) fs::remove(step(number) / "manifest.json");
  EXPECT_TRUE(prune_checkpoints(root_, 1).removed.empty());
  EXPECT_EQ(steps(root_).size(), 4u);
}

TEST_F(Prune, NeverRemovesWhatItDoesNotKnow) {
  write_file(step(100) / "notes.txt", "mine");
  fs::create_directory(root_ / "step-mine");
  write_file(root_ / "step-00000050", "a file");
  const PruneReport report = prune_checkpoints(root_, 2);
  ASSERT_EQ(report.problems.size(), 1u);
  EXPECT_NE(report.problems[0].find("notes.txt"), std::string::npos) << report.problems[0];
  EXPECT_EQ(read_file(step(100) / "notes.txt"), "mine");
  EXPECT_TRUE(fs::exists(root_ / "step-mine"));
  EXPECT_EQ(read_file(root_ / "step-00000050"), "a file");
  EXPECT_EQ(report.removed, std::vector<fs::path>{step(200)});
}

TEST_F(Prune, AReplacedOneGoesOnceItsSuccessorIsWhole) {
  fs::copy(step(400), step(400).string() + ".replaced", fs::copy_options::recursive);
  EXPECT_EQ(prune_checkpoints(root_, 4).removed, std::vector<fs::path>{step(400).string() + ".replaced"});
  fs::copy(step(400), step(400).string() + ".replaced", fs::copy_options::recursive);
  fs::remove(step(400) / "manifest.json");  // then the replaced one is the newest whole one, and counts
  EXPECT_EQ(prune_checkpoints(root_, 2).removed, (std::vector<fs::path>{step(200), step(100)}));
  expect_loads(find_latest(root_, VerifyLevel::Full).directory.value(), 400);
}

TEST_F(Prune, AFailureIsReportedAndTheRestGoesOn) {
  const FaultPlan plan({"fsync", step(200).filename().string(), EIO});
  const PruneReport report = prune_checkpoints(root_, 2);
  ASSERT_EQ(report.problems.size(), 1u);
  EXPECT_NE(report.problems[0].find("Input/output error"), std::string::npos);
  EXPECT_EQ(report.removed, std::vector<fs::path>{step(100)});
}

TEST_F(Prune, KeepingNoneIsAMistake) { EXPECT_THROW(prune_checkpoints(root_, 0), InternalError); }

}  // namespace
}  // namespace isobath::test
