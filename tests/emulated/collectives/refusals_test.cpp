// What the stand-in for NCCL refuses (tests/emulated/refusals.md), and what becomes of ranks that are left alone.

#include "tests/emulated/collectives/ranks.hpp"

namespace isobath::emulated {
namespace {

using test::Memory;
using test::on_ranks;
using test::Rank;
using test::settled;
using test::start;

template <class T>
ncclResult_t sum_in(const Rank& self, const Memory<T>& data, std::size_t count, ncclDataType_t type = ncclInt32) {
  return self.queued(ncclAllReduce(data.data(), data.data(), count, type, ncclSum, self.communicator, self.handle()));
}

// What goes wrong when the ranks make the calls that `call` makes.
template <class Call>
std::string fault_of_ranks(Call call) {
  try {
    on_ranks(2, [&](Rank& self) {
      const Memory<int> data(std::vector<int>(8, 1));
      call(self, data.data());
      EXPECT_EQ(settled(self.communicator), ncclSuccess);
      try {
        self.stream.wait();
        settled(self.communicator);
      } catch (const Fault&) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));  // the other rank has its message before the end
        ncclCommAbort(self.communicator);
        throw;
      }
      ncclCommAbort(self.communicator);
    });
  } catch (const Fault& fault) {
    return fault.what();
  }
  ADD_FAILURE() << "the fault was not seen";
  return "";
}

TEST(NcclRefusals, CountsThatDiffer) {
  EXPECT_THAT(fault_of_ranks([](Rank& self, int* data) {
                ncclAllReduce(data, data, 4 + static_cast<std::size_t>(self.rank), ncclInt32, ncclSum,
                              self.communicator, self.handle());
              }),
              testing::HasSubstr("of 5 elements"));
}

TEST(NcclRefusals, TypesThatDiffer) {
  EXPECT_THAT(fault_of_ranks([](Rank& self, int* data) {
                ncclAllReduce(data, data, 2, self.rank == 0 ? ncclInt32 : ncclFloat32, ncclSum, self.communicator,
                              self.handle());
              }),
              testing::HasSubstr("type 7"));
}

TEST(NcclRefusals, CallsInAnotherOrder) {
  EXPECT_THAT(fault_of_ranks([](Rank& self, int* data) {
                if (self.rank == 0)
                  ncclBroadcast(data, data, 4, ncclInt32, 0, self.communicator, self.handle());
                else
                  ncclAllReduce(data, data, 4, ncclInt32, ncclSum, self.communicator, self.handle());
              }),
              testing::HasSubstr("broadcast number 1"));
}

TEST(NcclRefusals, ACollectiveInACapture) {
  on_ranks(1, [](Rank& self) {
    const test::Memory<int> data({1, 2});
    ASSERT_EQ(cudaStreamBeginCapture(self.handle(), cudaStreamCaptureModeRelaxed), cudaSuccess);
    EXPECT_THROW(
        self.queued(ncclAllReduce(data.data(), data.data(), 2, ncclInt32, ncclSum, self.communicator, self.handle())),
        Fault);
    cudaGraph_t graph = nullptr;
    ASSERT_EQ(cudaStreamEndCapture(self.handle(), &graph), cudaSuccess);
    EXPECT_EQ(cudaGraphDestroy(graph), cudaSuccess);
    EXPECT_EQ(ncclCommAbort(self.communicator), ncclSuccess);
  });
}

TEST(NcclRefusals, NullPointersAndArgumentsThatAreNot) {
  const ncclUniqueId id = test::new_id();
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  ncclComm_t communicator = nullptr;
  EXPECT_EQ(ncclGetUniqueId(nullptr), ncclInvalidArgument);
  EXPECT_EQ(ncclGetVersion(nullptr), ncclInvalidArgument);
  EXPECT_EQ(ncclCommInitRankConfig(&communicator, 1, id, 0, &config), ncclInvalidArgument);  // blocking
  config.blocking = 0;
  EXPECT_EQ(ncclCommInitRankConfig(nullptr, 1, id, 0, &config), ncclInvalidArgument);
  EXPECT_EQ(ncclCommInitRankConfig(&communicator, 1, id, 0, nullptr), ncclInvalidArgument);
  EXPECT_EQ(ncclCommInitRankConfig(&communicator, 1, id, 1, &config), ncclInvalidArgument);
  EXPECT_EQ(ncclCommInitRankConfig(&communicator, 1, {}, 0, &config), ncclInvalidArgument);
  on_ranks(1, [](Rank& self) {
    const Memory<int> data({1});
    EXPECT_EQ(ncclCommGetAsyncError(self.communicator, nullptr), ncclInvalidArgument);
    EXPECT_EQ(ncclAllReduce(nullptr, data.data(), 1, ncclInt32, ncclSum, self.communicator, self.handle()),
              ncclInvalidArgument);
    EXPECT_EQ(ncclAllReduce(data.data(), nullptr, 1, ncclInt32, ncclSum, self.communicator, self.handle()),
              ncclInvalidArgument);
    EXPECT_EQ(ncclAllReduce(data.data(), data.data(), 1, ncclInt32, ncclSum, nullptr, self.handle()),
              ncclInvalidArgument);
    EXPECT_EQ(ncclBroadcast(data.data(), data.data(), 1, ncclInt32, 1, self.communicator, self.handle()),
              ncclInvalidArgument);
    EXPECT_EQ(sum_in(self, data, 1, static_cast<ncclDataType_t>(77)), ncclInvalidArgument);
    EXPECT_EQ(sum_in(self, data, 1), ncclSuccess);  // none of this has harmed the communicator
    self.stream.wait();
    self.close();
  });
}

TEST(NcclRefusals, MemoryThatIsNotTheDevices) {
  on_ranks(1, [](Rank& self) {
    const Memory<int> data({1, 2});
    int host = 0;
    EXPECT_EQ(sum_in(self, data, 3), ncclInvalidArgument);  // beyond the allocation
    EXPECT_EQ(ncclAllReduce(&host, data.data(), 1, ncclInt32, ncclSum, self.communicator, self.handle()),
              ncclInvalidArgument);
    self.close();
  });
}

TEST(NcclRefusals, MemoryThatOverlapsOtherwiseThanInPlace) {
  on_ranks(1, [](Rank& self) {
    const Memory<int> data({1, 2, 3});
    EXPECT_EQ(ncclAllReduce(data.data(), data.data() + 1, 2, ncclInt32, ncclSum, self.communicator, self.handle()),
              ncclInvalidArgument);
    EXPECT_EQ(ncclAllGather(data.data() + 1, data.data(), 2, ncclInt32, self.communicator, self.handle()),
              ncclInvalidArgument);
    self.close();
  });
}

TEST(NcclRefusals, AStreamOfAnotherDevice) {
  setenv("ISOBATH_EMULATED_DEVICES", "2", 1);
  on_ranks(1, [](Rank& self) {
    const Memory<int> data({1});
    ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
    const cuda::Stream other;
    ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
    EXPECT_EQ(ncclAllReduce(data.data(), data.data(), 1, ncclInt32, ncclSum, self.communicator,
                            cuda::stream_of(other.queue())),
              ncclInvalidUsage);
    self.close();
  });
  unsetenv("ISOBATH_EMULATED_DEVICES");
}

TEST(NcclRefusals, ACallBeforeTheOneBeforeItIsThrough) {
  const ncclComm_t alone = start(test::new_id(), 0, 2);
  on_ranks(1, [&](Rank& self) {
    const Memory<int> data({1});
    EXPECT_EQ(ncclAllReduce(data.data(), data.data(), 1, ncclInt32, ncclSum, alone, self.handle()),
              ncclInvalidArgument);
    EXPECT_EQ(ncclCommFinalize(alone), ncclInvalidArgument);
    EXPECT_EQ(ncclCommDestroy(alone), ncclInvalidArgument);
    ASSERT_EQ(ncclAllReduce(data.data(), data.data(), 1, ncclInt32, ncclSum, self.communicator, self.handle()),
              ncclInProgress);
    EXPECT_EQ(ncclAllReduce(data.data(), data.data(), 1, ncclInt32, ncclSum, self.communicator, self.handle()),
              ncclInvalidArgument);
    EXPECT_EQ(settled(self.communicator), ncclSuccess);
    self.stream.wait();
    self.close();
  });
  EXPECT_EQ(ncclCommAbort(alone), ncclSuccess);
}

TEST(NcclRefusals, ACommunicatorThatIsGone) {
  on_ranks(1, [](Rank& self) {
    const Memory<int> data({1});
    ASSERT_EQ(ncclCommAbort(self.communicator), ncclSuccess);
    EXPECT_EQ(ncclAllReduce(data.data(), data.data(), 1, ncclInt32, ncclSum, self.communicator, self.handle()),
              ncclInvalidArgument);
    EXPECT_EQ(ncclCommAbort(self.communicator), ncclInvalidArgument);
  });
}

TEST(NcclRefusals, ACallAfterFinalize) {
  on_ranks(1, [](Rank& self) {
    const Memory<int> data({1});
    EXPECT_EQ(ncclCommFinalize(self.communicator), ncclInProgress);
    EXPECT_EQ(sum_in(self, data, 1), ncclInvalidUsage);
    EXPECT_EQ(settled(self.communicator), ncclSuccess);
    EXPECT_EQ(ncclCommDestroy(self.communicator), ncclSuccess);
  });
}

TEST(NcclRefusals, TwoRanksOfOneNumber) {
  const ncclUniqueId id = test::new_id();
  const ncclComm_t first = start(id, 0, 2), second = start(id, 0, 2);
  EXPECT_EQ(settled(second), ncclInvalidUsage);
  EXPECT_EQ(ncclCommAbort(first), ncclSuccess);
  EXPECT_EQ(ncclCommAbort(second), ncclSuccess);
}

class NcclAlone : public test::InEverySchedule {};

TEST_P(NcclAlone, APeerThatNeverEntersIsSeenByPollingAndEndedByAbort) {
  std::atomic<bool> over = false;
  on_ranks(2, [&](Rank& self) {
    const Memory<int> data({7});
    if (self.rank == 0) {
      const cuda::Event done;
      ASSERT_EQ(sum_in(self, data, 1), ncclSuccess);  // does not wait for the other
      done.record(self.stream.queue());
      for (int look = 0; look < 50; ++look) {
        EXPECT_FALSE(done.passed());
        EXPECT_EQ(settled(self.communicator), ncclSuccess);
      }
      ASSERT_EQ(ncclCommAbort(self.communicator), ncclSuccess);
      done.wait();  // the stream goes on
      EXPECT_EQ(data.read(), std::vector<int>{7});
      over = true;
    } else {
      while (!over) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      ncclResult_t state = ncclSuccess;
      for (int look = 0; look < 1000 && state == ncclSuccess; ++look) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        ncclCommGetAsyncError(self.communicator, &state);
      }
      EXPECT_EQ(state, ncclRemoteError);
      EXPECT_EQ(sum_in(self, data, 1), ncclRemoteError);
      ncclCommAbort(self.communicator);
    }
  });
}

TEST_P(NcclAlone, ARankThatNeverComesLeavesTheStartInProgress) {
  const ncclComm_t alone = start(test::new_id(), 0, 2);
  ncclResult_t state = ncclSuccess;
  for (int look = 0; look < 20; ++look) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_EQ(ncclCommGetAsyncError(alone, &state), ncclSuccess);
    ASSERT_EQ(state, ncclInProgress);
  }
  EXPECT_EQ(ncclCommAbort(alone), ncclSuccess);
}

IN_EVERY_SCHEDULE(NcclAlone);

}  // namespace
}  // namespace isobath::emulated
