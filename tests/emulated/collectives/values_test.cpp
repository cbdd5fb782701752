// What the stand-in for NCCL computes, and when.

#include "ops/core/dtype.hpp"
#include "tests/emulated/checks/stream_harness.hpp"
#include "tests/emulated/collectives/ranks.hpp"

namespace isobath::emulated {
namespace {

using test::Memory;
using test::on_ranks;
using test::Rank;

class Nccl : public test::InEverySchedule {};

template <class T>
void expect_all_reduce(Rank& self, ncclDataType_t type, ncclRedOp_t how, std::size_t count) {
  std::vector<T> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = T(static_cast<float>((self.rank + 1) * (1 + i % 13)));
  const Memory<T> data(values);
  ASSERT_EQ(self.queued(ncclAllReduce(data.data(), data.data(), count, type, how, self.communicator, self.handle())),
            ncclSuccess);
  self.stream.wait();
  const std::vector<T> got = data.read();
  const int scale = how == ncclSum ? self.size * (self.size + 1) / 2 : how == ncclMax ? self.size : 1;
  for (std::size_t i = 0; i < count; ++i)
    ASSERT_EQ(static_cast<float>(got[i]), static_cast<float>(scale * (1 + static_cast<int>(i % 13)))) << type;
}

TEST_P(Nccl, AllReducesEveryType) {
  for (const int size : {1, 2, 3})
    on_ranks(size, [](Rank& self) {
      for (const ncclRedOp_t how : {ncclSum, ncclMax, ncclMin})
        for (const std::size_t count : {1, 5, 1000}) {
          expect_all_reduce<float>(self, ncclFloat32, how, count);
          expect_all_reduce<bfloat16>(self, ncclBfloat16, how, count);
          expect_all_reduce<double>(self, ncclFloat64, how, count);
          expect_all_reduce<std::int32_t>(self, ncclInt32, how, count);
          expect_all_reduce<std::int64_t>(self, ncclInt64, how, count);
          expect_all_reduce<std::uint8_t>(self, ncclUint8, how, count);
        }
      self.close();
    });
}

TEST_P(Nccl, ScattersGathersAndBroadcasts) {
  on_ranks(3, [](Rank& self) {
    const auto rank = static_cast<std::size_t>(self.rank);
    const Memory<int> whole({10, 11, 20, 21, 30, 31 + self.rank}), mine({0, 0});
    ASSERT_EQ(self.queued(ncclReduceScatter(whole.data(), mine.data(), 2, ncclInt32, ncclSum, self.communicator,
                                            self.handle())),
              ncclSuccess);
    ASSERT_EQ(ncclAllGather(mine.data(), whole.data(), 2, ncclInt32, self.communicator, self.handle()), ncclSuccess);
    self.stream.wait();
    EXPECT_EQ(whole.read(), (std::vector<int>{30, 33, 60, 63, 90, 96}));
    // The same in place.
    const int* const piece = whole.data() + 2 * rank;
    ASSERT_EQ(ncclReduceScatter(whole.data(), whole.data() + 2 * rank, 2, ncclInt32, ncclMax, self.communicator,
                                self.handle()),
              ncclSuccess);
    ASSERT_EQ(ncclAllGather(piece, whole.data(), 2, ncclInt32, self.communicator, self.handle()), ncclSuccess);
    ASSERT_EQ(ncclBroadcast(whole.data(), mine.data(), 1, ncclInt32, 2, self.communicator, self.handle()), ncclSuccess);
    self.stream.wait();
    EXPECT_EQ(whole.read(), (std::vector<int>{30, 33, 60, 63, 90, 96}));
    EXPECT_EQ(mine.read()[0], 30);
    self.close();
  });
}

TEST_P(Nccl, TakesEachSumInTheOrderOfARing) {
  on_ranks(3, [](Rank& self) {  // 2^24 swallows a 1 that comes after it, but not two that came before
    const Memory<float> data(std::vector<float>(3, self.rank == 0 ? 0x1p24F : 1.0F));
    ASSERT_EQ(
        self.queued(ncclAllReduce(data.data(), data.data(), 3, ncclFloat32, ncclSum, self.communicator, self.handle())),
        ncclSuccess);
    self.stream.wait();
    // Element 0 is summed from ranks 1, 2, 0, element 1 from 2, 0, 1, element 2 from 0, 1, 2.
    EXPECT_EQ(data.read(), (std::vector<float>{0x1p24F + 2, 0x1p24F, 0x1p24F}));
    self.close();
  });
}

// A rank whose host does something else must not hold up the others: no host runs a device's collectives.
TEST_P(Nccl, NeedsNoHostThatWaits) {
  std::atomic<bool> done = false;
  on_ranks(2, [&](Rank& self) {
    const Memory<int> data({self.rank + 1});
    for (int i = 0; i < 3; ++i)
      ASSERT_EQ(
          self.queued(ncclAllReduce(data.data(), data.data(), 1, ncclInt32, ncclSum, self.communicator, self.handle())),
          ncclSuccess);
    if (self.rank == 0) {
      self.stream.wait();
      done = true;
    }
    while (!done) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    self.stream.wait();
    EXPECT_EQ(data.read(), std::vector<int>{12});
    self.close();
  });
}

TEST_P(Nccl, FollowsAnEvent) {
  on_ranks(2, [](Rank& self) {
    const Memory<int> data({0});
    const cuda::Stream compute;
    const cuda::Event ready, summed;
    for (int round = 0; round < 10; ++round) {
      test::set_to(compute, data.data(), round + self.rank);
      ready.record(compute.queue());
      ready.before(self.stream.queue());
      ASSERT_EQ(
          self.queued(ncclAllReduce(data.data(), data.data(), 1, ncclInt32, ncclSum, self.communicator, self.handle())),
          ncclSuccess);
      summed.record(self.stream.queue());
      summed.before(compute.queue());
      test::add_to(compute, data.data(), 1000);
    }
    compute.wait();
    EXPECT_EQ(data.read(), std::vector<int>{1000 + 2 * 9 + 1});
    self.close();
  });
}

IN_EVERY_SCHEDULE(Nccl);

TEST(LateNccl, ReadsOldValuesWithoutTheEvent) {
  const test::ScheduleScope scope({ScheduleKind::Late});
  on_ranks(2, [](Rank& self) {
    const Memory<int> data({0});
    const cuda::Stream compute;
    test::set_to(compute, data.data(), 5);
    ASSERT_EQ(
        self.queued(ncclAllReduce(data.data(), data.data(), 1, ncclInt32, ncclSum, self.communicator, self.handle())),
        ncclSuccess);
    self.stream.wait();
    EXPECT_EQ(data.read(), std::vector<int>{0});
    compute.wait();
    self.close();
  });
}

}  // namespace
}  // namespace isobath::emulated
