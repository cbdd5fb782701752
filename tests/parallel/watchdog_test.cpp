// The watchdog over ranks that are threads: when it acts, when it does not, and what it says.

#include "parallel/watch/watchdog.hpp"

#include <atomic>
#include <fstream>
#include <iterator>
#include <thread>

#include <gtest/gtest.h>

#include "parallel/thread_ranks.hpp"
#include "parallel/watch/crash_report.hpp"
#include "support/temp_folder.hpp"

namespace isobath {
namespace {

using std::chrono::milliseconds;

void sleep_for(int count) { std::this_thread::sleep_for(milliseconds(count)); }

/// Limits in seconds; what is not set is without one.
WatchdogConfig limits(double step) { return {.start_up = 0, .first_step = 0, .step = step, .checkpoint = 0}; }

/// A rank 0 that is late: its peers wait in an all-reduce until their watchdogs end the group.
TEST(Watchdog, names_the_rank_that_others_wait_for) {
  const test::TempFolder folder;
  EXPECT_THROW(run_ranks({3},
                         [&](Communicator& ranks) {
                           Watchdog watchdog(limits(0.2), {.rank = ranks.rank(),
                                                           .folder = folder.path(),
                                                           .ring = ranks.ring(),
                                                           .end = [&] { ranks.abort(ExitCode::PeerLost); }});
                           std::vector<float> data(1000, 1.0F);
                           ranks.all_reduce(MutableBuffer::of(data), Reduce::Sum).wait();
                           watchdog.enter(ranks.rank() == 0 ? Stage::Idle : Stage::Step, 7);
                           if (ranks.rank() == 0) sleep_for(1000);
                           ranks.all_reduce(MutableBuffer::of(data), Reduce::Sum).wait();
                         }),
               PeerError);
  EXPECT_FALSE(std::filesystem::exists(folder / "crash-0.json"));
  // The first of the two ends the group, and the other need not come to its own end.
  const bool is_second = std::filesystem::exists(folder / "crash-2.json");
  std::ifstream file(folder / (is_second ? "crash-2.json" : "crash-1.json"));
  const std::string crash(std::istreambuf_iterator<char>(file), {});
  EXPECT_NE(crash.find(R"("missing": [0])"), std::string::npos) << crash;
  EXPECT_NE(crash.find(R"("stage": "step", "step": 7)"), std::string::npos) << crash;
  EXPECT_NE(crash.find("rank 0 is missing in all_reduce 2 of 4000 bytes of f32"), std::string::npos) << crash;
}

struct Counted {
  std::atomic<int> ends{0};
  WatchdogJob job() {
    return {.end = [this] { ++ends; }};
  }
};

TEST(Watchdog, starts_anew_with_every_stage_and_keeps_quiet_without_a_limit) {
  Counted counted;
  {
    Watchdog watchdog(limits(0.5), counted.job());
    for (int step = 0; step < 8; ++step) {
      watchdog.enter(Stage::Step, step);
      sleep_for(100);
    }
    watchdog.enter(Stage::Checkpoint);
    sleep_for(700);
    watchdog.enter(Stage::Idle);
    sleep_for(700);
  }
  EXPECT_EQ(counted.ends, 0);
}

TEST(Watchdog, ends_the_job_once) {
  Counted counted;
  {
    Watchdog watchdog(limits(0.1), counted.job());
    watchdog.enter(Stage::Step);
    sleep_for(600);
    watchdog.enter(Stage::Step);
    sleep_for(300);
  }
  EXPECT_EQ(counted.ends, 1);
}

TEST(WatchdogDeathTest, ends_the_process_when_the_end_of_the_job_hangs) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  const auto hang = [] {
    Watchdog watchdog(limits(0.1), {.end = [] { sleep_for(60'000); }, .last_deadline = 0.3});
    watchdog.enter(Stage::Step, 4);
    sleep_for(60'000);
  };
  EXPECT_EXIT(hang(), testing::ExitedWithCode(79), "the step after step 4 takes 0..* s, more than watchdog allows");
}

/// A rank that was let go because a peer gave up first: what runs now says nothing about what took the time.
TEST(CrashReport, names_whom_the_rank_waited_for_most_of_the_stage) {
  const auto seconds_ago = [](double seconds) {
    using namespace std::chrono;
    const auto at = steady_clock::now().time_since_epoch();
    return duration_cast<nanoseconds>(at).count() - static_cast<std::int64_t>(seconds * 1e9);
  };
  CollectiveNote late{.sequence = 41, .kind = CallKind::AllReduce, .bytes = 8, .missing = {{1}, 1}};
  late.started = seconds_ago(2.9);
  late.finished = seconds_ago(0.1);
  CollectiveNote now{.sequence = 42, .kind = CallKind::AllReduce, .bytes = 8, .missing = {{2}, 1}};
  now.started = seconds_ago(0.1);
  CrashReport crash{.stage = "step", .step = 7, .limit = 3, .waited = 3, .collectives = {late, now}};
  EXPECT_NE(line_of(crash).find("rank 1 was missing in all_reduce 41 of 8 bytes of f32, which took 2.8 s"),
            std::string::npos)
      << line_of(crash);
  EXPECT_NE(json_of(crash).find(R"("missing": [1])"), std::string::npos) << json_of(crash);
  EXPECT_NE(json_of(crash).find(R"("waited_in": {"sequence": 41)"), std::string::npos) << json_of(crash);
  crash.waited = 60;  // then neither took long
  EXPECT_NE(line_of(crash).find("rank 2 is missing in all_reduce 42"), std::string::npos) << line_of(crash);
}

/// NCCL does not say whom it waits for, and what it carries may have ended unseen: what the host waits in comes first.
TEST(CrashReport, names_what_nccl_carries) {
  CollectiveRing ring;
  const std::uint64_t done = ring.enqueue(0, {CallKind::AllReduce, 3, DType::F32}, Carrier::Nccl);
  const std::uint64_t late = ring.enqueue(0, {CallKind::ReduceScatter, 2, DType::BF16}, Carrier::Nccl);
  ring.enqueue(2, {CallKind::AllGather, 5, DType::F32}, Carrier::Nccl);
  ring.finish_on_device(done);
  CrashReport crash{.stage = "step", .step = 7, .limit = 3, .waited = 3, .collectives = ring.notes()};
  EXPECT_NE(line_of(crash).find(text("reduce_scatter ", late, " of 4 bytes of bf16 over NCCL, called 0.0 s ago")),
            std::string::npos)
      << line_of(crash);
  EXPECT_NE(json_of(crash).find(R"("running": {"sequence": 2, "group": 0, "by": "nccl", "kind": "reduce_scatter")"),
            std::string::npos)
      << json_of(crash);
  ring.start(ring.enqueue(0, {CallKind::Barrier}));
  crash.collectives = ring.notes();
  EXPECT_NE(line_of(crash).find("missing in barrier 4"), std::string::npos) << line_of(crash);
}

TEST(CollectiveRing, remembers_whom_a_collective_waited_for) {
  CollectiveRing ring;
  const std::uint64_t sequence = ring.enqueue(0, {CallKind::AllReduce, 3, DType::F64});
  ring.start(sequence);
  const int peers[] = {4, 2}, others[] = {3};
  ring.set_missing(peers);
  sleep_for(30);
  ring.set_missing(peers);
  ring.set_missing({});
  ring.set_missing(others);  // a second transfer that waits for less long
  ring.set_missing({});
  ring.finish(sequence);
  EXPECT_EQ(ring.notes().front().missing.first, (std::vector<int>{2, 4}));
  EXPECT_EQ(ring.notes().front().missing.count, 2);
}

TEST(CollectiveRing, keeps_the_last_ones_and_the_running_one) {
  CollectiveRing ring;
  const auto add = [&] { return ring.enqueue(0, {CallKind::AllReduce, 3, DType::F64}); };
  const std::uint64_t first = add();
  ring.start(first);
  for (std::size_t i = 0; i < CollectiveRing::kNotes; ++i) add();  // a queue that pushes the running one out
  const auto notes = ring.notes();
  ASSERT_EQ(notes.size(), CollectiveRing::kNotes + 1);
  EXPECT_TRUE(notes.front().is_running());
  EXPECT_EQ(notes.front().sequence, first);
  EXPECT_EQ(notes.front().bytes, 24);
  EXPECT_EQ(notes.back().started, 0);
  ring.finish(first);
  EXPECT_EQ(ring.notes().size(), CollectiveRing::kNotes);
}

/// Notes are whole while another thread writes them: bytes and sequence belong together.
TEST(CollectiveRing, is_read_while_it_is_written) {
  CollectiveRing ring;
  std::atomic<bool> over{false};
  std::thread writer([&] {
    for (std::int64_t i = 1; !over; ++i) {
      const std::uint64_t sequence = ring.enqueue(0, {CallKind::AllGather, i, DType::I64});
      ring.start(sequence);
      const int peers[] = {1, 2};
      ring.set_missing(peers);
      ring.finish(sequence);
      ring.set_missing({});
    }
  });
  for (int look = 0; look < 2000; ++look) {
    for (const CollectiveNote& note : ring.notes()) ASSERT_EQ(note.bytes, 8 * static_cast<std::int64_t>(note.sequence));
  }
  over = true;
  writer.join();
}

}  // namespace
}  // namespace isobath
