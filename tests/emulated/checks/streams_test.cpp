// Streams and events: what orders work, and that nothing else does.

#include <cstdlib>

#include "tests/emulated/checks/stream_harness.hpp"

namespace isobath::emulated {
namespace {

using test::add_to;
using test::HostInts;
using test::set_to;

class Streams : public test::InEverySchedule {};

TEST_P(Streams, WorkOfOneStreamRunsInItsOrder) {
  const cuda::Stream stream;
  const test::DeviceArray<int> value(1);
  set_to(stream, value.data(), 1);
  for (int i = 0; i < 20; ++i) {
    add_to(stream, value.data(), i);
    if (i % 5 == 4) set_to(stream, value.data(), 100);
  }
  stream.wait();
  EXPECT_EQ(value.read(), std::vector<int>{100});
}

TEST_P(Streams, AnEventOrdersTwoStreams) {
  const cuda::Stream first, second;
  const cuda::Event done;
  const test::DeviceArray<int> value(1);
  const HostInts seen(1);
  for (int round = 0; round < 10; ++round) {
    set_to(first, value.data(), round);
    done.record(first.queue());
    done.before(second.queue());
    seen.copy_from(second, value.data());
    done.record(second.queue());
    done.before(first.queue());
    add_to(first, value.data(), 1000);
    second.wait();
    EXPECT_EQ(seen[0], round);
  }
  first.wait();
}

TEST_P(Streams, WorkReachesItsEndByPolling) {
  const cuda::Stream stream;
  const cuda::Event done;
  const HostInts seen(1);
  const test::DeviceArray<int> value(1);
  set_to(stream, value.data(), 3);
  seen.copy_from(stream, value.data());
  done.record(stream.queue());
  int polls = 0;
  while (!done.passed()) ++polls;
  EXPECT_EQ(seen[0], 3);
  EXPECT_EQ(cudaStreamQuery(cuda::stream_of(stream.queue())), cudaSuccess);
  if (GetParam().kind == ScheduleKind::Eager) {
    EXPECT_EQ(polls, 0);
  }
  if (GetParam().kind == ScheduleKind::Late) {
    EXPECT_GE(polls, 3);
  }
}

TEST_P(Streams, PageableMemoryIsStagedAndComplete) {
  const cuda::Stream stream;
  const cudaStream_t handle = cuda::stream_of(stream.queue());
  const test::DeviceArray<int> value(1);
  int source = 5, target = 0;
  ASSERT_EQ(cudaMemcpyAsync(value.data(), &source, sizeof(int), cudaMemcpyHostToDevice, handle), cudaSuccess);
  source = 6;
  ASSERT_EQ(cudaMemcpyAsync(&target, value.data(), sizeof(int), cudaMemcpyDeviceToHost, handle), cudaSuccess);
  EXPECT_EQ(target, 5);
}

TEST_P(Streams, TheDefaultStreamOrdersBlockingStreams) {
  const test::BlockingStream blocking;
  const test::DeviceArray<int> value(1);
  int seen = 0;
  test::set_on(blocking.queue(), value.data(), 1);
  test::set_on({}, value.data(), 2);
  test::add_on(blocking.queue(), value.data(), 10);
  ASSERT_EQ(cudaMemcpy(&seen, value.data(), sizeof(int), cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_EQ(seen, 12);
}

TEST_P(Streams, ThreadsOfTheHostRunEachOthersWork) {
  const cuda::Stream first, second;
  const cuda::Event done;
  const test::DeviceArray<int> value(1);
  const HostInts seen(1);
  for (int round = 0; round < 20; ++round) {
    set_to(first, value.data(), round);
    done.record(first.queue());
    done.before(second.queue());
    seen.copy_from(second, value.data());
    std::thread other([&] { first.wait(); });
    second.wait();
    other.join();
    ASSERT_EQ(seen[0], round);
  }
}

TEST_P(Streams, ADestroyedStreamStillRuns) {
  const test::DeviceArray<int> value(1);
  {
    const cuda::Stream stream;
    set_to(stream, value.data(), 8);
  }
  test::finish();
  EXPECT_EQ(value.read(), std::vector<int>{8});
}

IN_EVERY_SCHEDULE(Streams);

class LateStreams : public testing::Test {
 private:
  test::ScheduleScope scope_{{ScheduleKind::Late}};
};

TEST_F(LateStreams, TheHostSeesOldValuesBeforeItWaits) {
  const cuda::Stream stream;
  const test::DeviceArray<int> value(1);
  const HostInts seen(1);
  seen[0] = -1;
  set_to(stream, value.data(), 4);
  seen.copy_from(stream, value.data());
  EXPECT_EQ(seen[0], -1);
  stream.wait();
  EXPECT_EQ(seen[0], 4);
}

TEST_F(LateStreams, AMissingEventGivesAWrongAnswer) {
  const cuda::Stream first, second;
  const test::DeviceArray<int> value(1);
  const HostInts seen(1);
  set_to(first, value.data(), 4);
  seen.copy_from(second, value.data());
  second.wait();
  EXPECT_NE(seen[0], 4);
  first.wait();
}

TEST_F(LateStreams, AnEventThatWasNeverRecordedOrdersNothing) {
  const cuda::Stream first, second;
  const cuda::Event never;
  const test::DeviceArray<int> value(1);
  const HostInts seen(1);
  set_to(first, value.data(), 4);
  never.before(second.queue());
  seen.copy_from(second, value.data());
  second.wait();
  EXPECT_NE(seen[0], 4);
  EXPECT_TRUE(never.passed());
  never.wait();
}

TEST_F(LateStreams, RecordingAgainDoesNotChangeAnOlderWait) {
  const cuda::Stream first, second;
  const cuda::Event event;
  const test::DeviceArray<int> value(1);
  const HostInts seen(1);
  set_to(first, value.data(), 1);
  event.record(first.queue());
  event.before(second.queue());
  set_to(first, value.data(), 2);
  event.record(first.queue());
  seen.copy_from(second, value.data());
  second.wait();
  EXPECT_EQ(seen[0], 1);
  event.wait();
  EXPECT_EQ(value.read(), std::vector<int>{2});
}

TEST_F(LateStreams, TheDefaultStreamDoesNotOrderOthers) {
  const cuda::Stream apart;
  const test::DeviceArray<int> value(1);
  int seen = 0;
  set_to(apart, value.data(), 4);
  ASSERT_EQ(cudaMemcpy(&seen, value.data(), sizeof(int), cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_NE(seen, 4);
  apart.wait();
}

TEST(RandomStreams, SomeSeedShowsAMissingEvent) {
  int wrong = 0, right = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const test::ScheduleScope scope({ScheduleKind::Random, seed});
    const cuda::Stream first, second;
    const test::DeviceArray<int> value(1);
    const HostInts seen(1);
    set_to(first, value.data(), 4);
    seen.copy_from(second, value.data());
    test::finish();
    ++(seen[0] == 4 ? right : wrong);
  }
  EXPECT_GT(wrong, 0);
  EXPECT_GT(right, 0);
}

TEST(Schedules, ComeFromTheEnvironment) {
  const auto parsed = [](const char* value) {
    setenv("ISOBATH_EMULATED_STREAMS", value, 1);
    return schedule_from_environment();
  };
  const char* const before = std::getenv("ISOBATH_EMULATED_STREAMS");
  const std::string kept = before == nullptr ? "late" : before;
  EXPECT_EQ(parsed("late").kind, ScheduleKind::Late);
  EXPECT_EQ(parsed("eager").kind, ScheduleKind::Eager);
  EXPECT_EQ(parsed("random").kind, ScheduleKind::Random);
  EXPECT_EQ(parsed("random:7").seed, 7U);
  EXPECT_THROW(parsed("soon"), std::invalid_argument);
  setenv("ISOBATH_EMULATED_STREAMS", kept.c_str(), 1);
}

}  // namespace
}  // namespace isobath::emulated
