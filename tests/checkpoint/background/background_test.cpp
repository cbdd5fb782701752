// Saving beside training: the same files as in the foreground, agreed by votes, retried, and never at the cost of what
// was whole.

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <future>
#include <thread>

#include <gtest/gtest.h>
#include <sys/wait.h>

#include "checkpoint/faults.hpp"
#include "checkpoint/support.hpp"
#include "ops/core/stop.hpp"
#include "parallel/thread_ranks.hpp"
#include "trainer/checkpoint/background/background_saver.hpp"
#include "trainer/checkpoint/catalog/find.hpp"
#include "trainer/checkpoint/catalog/prune.hpp"
#include "trainer/checkpoint/storage/observer.hpp"

namespace isobath::test {
namespace {

namespace fs = std::filesystem;
using Kind = SaveNews::Kind;

/// The reduction of one step, as the trainer makes it.
SaveVotes sum(SaveVotes mine, Communicator& ranks) {
  std::vector<std::int64_t> both{mine.done, mine.failed};
  ranks.all_reduce(MutableBuffer::of(both), Reduce::Sum).wait();
  return {static_cast<int>(both[0]), static_cast<int>(both[1])};
}

/// Steps until there is news.
SaveNews train_on(BackgroundSaver& saver, Communicator& ranks) {
  while (true) {
    if (auto news = saver.after_step(sum(saver.votes(), ranks))) return *news;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

SaveHooks pruning(const fs::path& root, int keep_last) {
  return {.before_shards = {}, .after_commit = [=] { return prune_checkpoints(root, keep_last).problems; }};
}

void save_in_background(const fs::path& root, std::int64_t step, int world) {
  run_ranks({.count = world}, [&](Communicator& ranks) {
    BackgroundSaver saver(root, {}, ranks, pruning(root, 1));
    saver.request(state_at(step), tensors_at(step));
    EXPECT_EQ(train_on(saver, ranks).kind, Kind::Durable);
  });
}

TEST(Background, WritesTheFilesOfAForegroundSave) {
  for (const int world : {1, 2, 3}) {
    const Scratch scratch;
    save_in_background(scratch.path() / "one", 7, world);
    save_at(scratch.path() / "two", 7, world);
    EXPECT_EQ(files_below(scratch.path() / "one"), files_below(scratch.path() / "two"));
  }
}

TEST(Background, WhatChangesAfterTheRequestIsNotSaved) {
  const Scratch scratch;
  run_ranks({.count = 2}, [&](Communicator& ranks) {
    BackgroundSaver saver(scratch.root(), {}, ranks);
    const auto tensors = tensors_at(5);
    saver.request(state_at(5), tensors);
    for (const NamedTensor& named : tensors)
      if (named.tensor.count() > 0) named.tensor.fill_zero();
    EXPECT_EQ(train_on(saver, ranks).kind, Kind::Durable);
  });
  expect_loads(scratch.root() / "step-00000005", 5);
}

TEST(Background, TrainingGoesOnWhileOneRankWrites) {
  const Scratch scratch;
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  set_checkpoint_observer([released](CheckpointPoint point) {
    if (point == CheckpointPoint::BeforeFsync) released.wait();
  });
  run_ranks({.count = 2}, [&](Communicator& ranks) {
    BackgroundSaver saver(scratch.root(), {}, ranks);
    saver.request(state_at(5), tensors_at(5));
    for (int step = 0; step < 50; ++step)
      EXPECT_FALSE(saver.after_step(sum(saver.votes(), ranks))) << "durable before its bytes were";
    EXPECT_TRUE(saver.is_saving());
    EXPECT_FALSE(fs::exists(scratch.root() / "step-00000005" / "manifest.json"));
    ranks.barrier();
    if (ranks.rank() == 0) release.set_value();
    EXPECT_EQ(saver.wait()->kind, Kind::Durable);
    EXPECT_FALSE(saver.is_saving());
    EXPECT_FALSE(saver.wait());
  });
  set_checkpoint_observer({});
  expect_loads(scratch.root() / "step-00000005", 5);
}

TEST(Background, TheThreadTakesNoSignalsAndIsAnother) {
  const Scratch scratch;
  std::atomic<bool> blocked = false, other = false;
  const auto here = std::this_thread::get_id();
  set_checkpoint_observer([&](CheckpointPoint) {
    sigset_t set;
    pthread_sigmask(SIG_SETMASK, nullptr, &set);
    blocked = sigismember(&set, SIGUSR2) == 1 && sigismember(&set, SIGTERM) == 1 && sigismember(&set, SIGSEGV) == 0;
    other = std::this_thread::get_id() != here;
  });
  save_in_background(scratch.root(), 1, 1);
  set_checkpoint_observer({});
  EXPECT_TRUE(blocked);
  EXPECT_TRUE(other);
}

struct FailingCase {
  const char* name;
  Fault fault;
};
void PrintTo(const FailingCase& failing, std::ostream* out) { *out << failing.name; }

class BackgroundFailure : public ::testing::TestWithParam<FailingCase> {};

TEST_P(BackgroundFailure, IsRetriedThenGivenUpAndCostsNothing) {
  const Scratch scratch;
  save_at(scratch.root(), 100, 2);
  run_ranks({.count = 3}, [&](Communicator& ranks) {
    BackgroundSaver saver(scratch.root(), {.count = 2}, ranks, pruning(scratch.root(), 1));
    static std::unique_ptr<FaultPlan> plan;
    if (ranks.rank() == 0) plan = std::make_unique<FaultPlan>(GetParam().fault);
    ranks.barrier();
    saver.request(state_at(200), tensors_at(200));
    for (const Kind expected : {Kind::Retrying, Kind::Retrying, Kind::GivenUp}) {
      const SaveNews news = train_on(saver, ranks);
      EXPECT_EQ(news.kind, expected);
      EXPECT_NE(news.error.find("No space left on device"), std::string::npos) << news.error;
    }
    EXPECT_FALSE(saver.is_saving());
    ranks.barrier();
    if (ranks.rank() == 0) {
      EXPECT_GE(plan->hits(), 3);  // closing the file tries to write again
      EXPECT_EQ(find_latest(scratch.root(), VerifyLevel::Full).directory, scratch.root() / "step-00000100");
      plan.reset();
    }
    ranks.barrier();
    saver.request(state_at(300), tensors_at(300));
    EXPECT_EQ(train_on(saver, ranks).kind, Kind::Durable);
  });
  expect_loads(scratch.root() / "step-00000300", 300);
  EXPECT_FALSE(fs::exists(scratch.root() / "step-00000100")) << "pruned, because a newer one is whole";
  EXPECT_FALSE(fs::exists(scratch.root() / "step-00000200")) << "what a failed save left goes with the next";
}

const FailingCase kFailingCases[] = {{"Shard", {"pwrite", "step-00000200/shard-00001", ENOSPC}},
                                     {"Sync", {"fsync", "step-00000200/shard-00002", ENOSPC}},
                                     {"Manifest", {"write", "step-00000200/manifest.json.tmp", ENOSPC}}};
INSTANTIATE_TEST_SUITE_P(Storage, BackgroundFailure, ::testing::ValuesIn(kFailingCases),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Background, ARetrySavesTheStateOfTheRequest) {
  const Scratch scratch;
  std::atomic<int> failures = 1;
  set_checkpoint_observer([&](CheckpointPoint point) {
    if (point == CheckpointPoint::InShard && failures-- > 0) throw std::runtime_error("planned");
  });
  run_ranks({.count = 2}, [&](Communicator& ranks) {
    BackgroundSaver saver(scratch.root(), {.count = 1}, ranks);
    const auto tensors = tensors_at(5);
    saver.request(state_at(5), tensors);
    for (const NamedTensor& named : tensors)
      if (named.tensor.count() > 0) named.tensor.fill_zero();
    EXPECT_EQ(train_on(saver, ranks).kind, Kind::Retrying);
    EXPECT_EQ(saver.wait()->kind, Kind::Durable);
  });
  set_checkpoint_observer({});
  expect_loads(scratch.root() / "step-00000005", 5);
}

TEST(Background, RetriesWaitTwiceAsLongEachTimeUpToAMinute) {
  const Retries retries{.count = 9, .wait = 5.0};
  EXPECT_DOUBLE_EQ(retries.seconds_after(1), 5.0);
  EXPECT_DOUBLE_EQ(retries.seconds_after(3), 20.0);
  EXPECT_DOUBLE_EQ(retries.seconds_after(2000), 60.0);
  EXPECT_DOUBLE_EQ((Retries{.count = 1, .wait = 90.0}.seconds_after(4)), 90.0) << "who asks for more gets it";
  EXPECT_DOUBLE_EQ(Retries{}.seconds_after(3), 0.0);
}

/// The first attempt to write a shard of two ranks fails.
class FailingOnce {
 public:
  FailingOnce() {
    set_checkpoint_observer([this](CheckpointPoint point) {
      if (point == CheckpointPoint::InShard && failures_-- > 0) throw std::runtime_error("planned");
    });
  }
  ~FailingOnce() { set_checkpoint_observer({}); }
  FailingOnce(const FailingOnce&) = delete;
  FailingOnce& operator=(const FailingOnce&) = delete;

 private:
  std::atomic<int> failures_ = 1;
};

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

TEST(Background, TrainingGoesOnBeforeTheNextAttempt) {
  const Scratch scratch;
  const FailingOnce failing;
  run_ranks({.count = 2}, [&](Communicator& ranks) {
    BackgroundSaver saver(scratch.root(), {.count = 1, .wait = 0.4}, ranks);
    saver.request(state_at(5), tensors_at(5));
    const SaveNews news = train_on(saver, ranks);
    EXPECT_EQ(news.kind, Kind::Retrying);
    EXPECT_DOUBLE_EQ(news.wait, 0.4);
    EXPECT_GE(seconds_of([&] {
                for (int step = 0; step < 20; ++step) EXPECT_FALSE(saver.after_step(sum(saver.votes(), ranks)));
                EXPECT_EQ(train_on(saver, ranks).kind, Kind::Durable);
              }),
              0.3);
  });
  expect_loads(scratch.root() / "step-00000005", 5);
}

TEST(Background, AStopDoesNotWaitForTheNextAttempt) {
  const Scratch scratch;
  const FailingOnce failing;
  run_ranks({.count = 2}, [&](Communicator& ranks) {
    BackgroundSaver saver(scratch.root(), {.count = 1, .wait = 50.0}, ranks);
    saver.request(state_at(5), tensors_at(5));
    EXPECT_EQ(saver.wait()->kind, Kind::Retrying);
    request_stop();
    EXPECT_LT(seconds_of([&] { EXPECT_EQ(saver.wait()->kind, Kind::Durable); }), 20.0);
  });
  withdraw_stop();
}

TEST(Background, TheEndOfASaverDoesNotWaitForTheNextAttempt) {
  const Scratch scratch;
  const FailingOnce failing;
  EXPECT_LT(seconds_of([&] {
              run_ranks({.count = 2}, [&](Communicator& ranks) {
                BackgroundSaver saver(scratch.root(), {.count = 1, .wait = 50.0}, ranks);
                saver.request(state_at(5), tensors_at(5));
                EXPECT_EQ(saver.wait()->kind, Kind::Retrying);
              });
            }),
            20.0);
}

TEST(Background, RanksThatDisagreeMakeNoCheckpoint) {
  const Scratch scratch;
  run_ranks({.count = 2}, [&](Communicator& ranks) {
    BackgroundSaver saver(scratch.root(), {}, ranks);
    auto tensors = tensors_at(1);
    if (ranks.rank() == 1) tensors.pop_back();
    saver.request(state_at(1), tensors);
    const SaveNews news = train_on(saver, ranks);
    EXPECT_EQ(news.kind, Kind::GivenUp);
    EXPECT_NE(news.error.find("rank 1 has other tensors"), std::string::npos) << news.error;
  });
  EXPECT_FALSE(find_latest(scratch.root(), VerifyLevel::Size).directory);
}

TEST(Background, KilledAtEveryPointNothingWholeIsLost) {
  for (const CheckpointPoint point : kCheckpointPoints) {
    if (point == CheckpointPoint::Loading) continue;
    const Scratch scratch;
    save_at(scratch.root(), 100, 2);
    const int status = in_child([&] {
      set_checkpoint_observer([point](CheckpointPoint at) {
        if (at == point) raise(SIGKILL);
      });
      save_in_background(scratch.root(), 200, 2);
    });
    ASSERT_TRUE(WIFSIGNALED(status)) << "point " << static_cast<int>(point) << " was not reached";
    const bool counts = point >= CheckpointPoint::ManifestDone;
    const LatestCheckpoint latest = find_latest(scratch.root(), VerifyLevel::Full);
    ASSERT_TRUE(latest.directory);
    expect_loads(*latest.directory, counts ? 200 : 100);
    save_in_background(scratch.root(), 200, 2);
    expect_loads(scratch.root() / "step-00000200", 200);
  }
}

}  // namespace
}  // namespace isobath::test
