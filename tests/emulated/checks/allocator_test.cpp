// Blocks that are let go while work on them is queued: who gets them next, and that a wrong reuse would be seen.

#include "ops/core/allocator.hpp"

#include <cstdlib>
#include <functional>

#include "ops/core/host_waits.hpp"
#include "tests/emulated/checks/stream_harness.hpp"

namespace isobath::emulated {
namespace {

constexpr Device kDevice = Device::cuda(0);

int* values_of(const Block& block) { return static_cast<int*>(block.data()); }

void run_in_thread(const std::function<void()>& body) { std::thread(body).join(); }

/// Sets a block to 7 on `queue` and reads it there into pinned memory, all of it queued.
void set_and_read(CudaQueue queue, const Block& block, const test::HostInts& seen) {
  test::set_on(queue, values_of(block), 7);
  cuda::check(cudaMemcpyAsync(seen.data(), block.data(), sizeof(int), cudaMemcpyDeviceToHost, cuda::stream_of(queue)),
              "cudaMemcpyAsync");
}

/// What memory holds when the calling thread's queue has run first and everything else after it.
int left_in(void* data) {
  cuda::check(cudaStreamSynchronize(cuda::stream_of(test::queue())), "cudaStreamSynchronize");
  test::finish();
  int left = 0;
  cuda_copy(kDevice, &left, data, sizeof(int), CopyKind::DeviceToHost);
  return left;
}

class Allocator : public test::InEverySchedule {
 protected:
  Allocator() { trim_allocator(); }
};

TEST_P(Allocator, GivesABlockToTheSameQueueAtOnce) {
  const CudaQueue queue = test::queue();
  const test::HostInts seen(1);
  const std::int64_t waits = host_waits();
  Block block(kDevice, 100);
  void* const data = block.data();
  const std::int64_t created = allocator_stats(DeviceKind::Cuda).blocks_created;
  for (int i = 0; i < 10; ++i) {
    set_and_read(queue, block, seen);
    block = Block();
    block = Block(kDevice, 100);
    EXPECT_EQ(block.data(), data);
    test::set_on(queue, values_of(block), 8);
  }
  EXPECT_EQ(allocator_stats(DeviceKind::Cuda).blocks_created, created);
  EXPECT_EQ(host_waits(), waits);
  test::finish();
  EXPECT_EQ(seen[0], 7);
}

TEST_P(Allocator, OrdersABlockOfAnotherThreadBehindItsWork) {
  const test::HostInts seen(1);
  const std::int64_t waits = host_waits();
  Block block;
  void* data = nullptr;
  run_in_thread([&] {
    block = Block(kDevice, 100);
    data = block.data();
    set_and_read(test::queue(), block, seen);
  });
  block = Block();
  block = Block(kDevice, 100);
  ASSERT_EQ(block.data(), data);
  test::set_on(test::queue(), values_of(block), 8);
  EXPECT_EQ(host_waits(), waits);
  EXPECT_EQ(left_in(data), 8);
  EXPECT_EQ(seen[0], 7);
}

enum class Declared { Yes, No };

/// What a reused block holds in the end whose next user wrote 8, when another queue wrote 7 for its last user.
int left_after_reuse(Declared declared) {
  const cuda::Stream other;
  const cuda::Event filled;
  const test::HostInts seen(1);
  Block block(kDevice, 100);
  void* const data = block.data();
  filled.record(test::queue());
  filled.before(other.queue());
  if (declared == Declared::Yes) block.used_on(other.queue());
  set_and_read(other.queue(), block, seen);
  block = Block();
  block = Block(kDevice, 100);
  EXPECT_EQ(block.data(), data);
  test::set_on(test::queue(), values_of(block), 8);
  const int left = left_in(data);
  EXPECT_EQ(seen[0], 7);
  return left;
}

TEST_P(Allocator, OrdersABlockBehindEveryQueueThatUsesIt) { EXPECT_EQ(left_after_reuse(Declared::Yes), 8); }

TEST_P(Allocator, GivesBackBlocksWhileWorkOnThemIsQueued) {
  const test::HostInts seen(1);
  const std::int64_t waits = host_waits();
  {
    const Block block(kDevice, 100);
    set_and_read(test::queue(), block, seen);
  }
  trim_allocator();
  EXPECT_EQ(host_waits(), waits);
  test::finish();
  EXPECT_EQ(seen[0], 7);
}

// Its own queue runs first, and the free with it: what the other queue does with the block has to come before that.
TEST_P(Allocator, GivesBackABlockBehindEveryQueueThatUsesIt) {
  const cuda::Stream other;
  const cuda::Event made;
  const test::HostInts seen(1);
  {
    Block block(kDevice, 100);
    made.record(test::queue());
    made.before(other.queue());
    block.used_on(other.queue());
    set_and_read(other.queue(), block, seen);
  }
  trim_allocator();
  cuda::check(cudaStreamSynchronize(cuda::stream_of(test::queue())), "cudaStreamSynchronize");
  test::finish();
  EXPECT_EQ(seen[0], 7);
}

// The way out where no order can be noted any more.
TEST_P(Allocator, CanWaitForWorkInsteadOfOrderingBehindIt) {
  const auto free_bytes = [] {
    test::finish();
    std::size_t free = 0, total = 0;
    cuda::check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
    return free;
  };
  const test::HostInts seen(1);
  const std::size_t before = free_bytes();
  void* const data = cuda_allocate(test::queue(), 4096);
  const cuda::Stream other;
  const cuda::Event made;
  made.record(test::queue());
  made.before(other.queue());
  test::set_on(other.queue(), static_cast<int*>(data), 7);
  cuda::check(cudaMemcpyAsync(seen.data(), data, sizeof(int), cudaMemcpyDeviceToHost, cuda::stream_of(other.queue())),
              "cudaMemcpyAsync");
  const std::int64_t waits = host_waits();
  cuda_release_waiting(kDevice, data);
  EXPECT_EQ(host_waits(), waits + 1);
  EXPECT_EQ(seen[0], 7);
  EXPECT_EQ(free_bytes(), before);
}

TEST_P(Allocator, SurvivesItsThread) {
  const test::HostInts seen(1);
  for (int i = 0; i < 3; ++i) {
    seen[0] = 0;
    run_in_thread([&] {
      const Block block(kDevice, 100);
      set_and_read(test::queue(), block, seen);
    });
    test::finish();
    EXPECT_EQ(seen[0], 7);
  }
}

TEST_P(Allocator, EmptiesItsCacheWhenTheDeviceIsFull) {
  test::finish();
  std::size_t free = 0, total = 0;
  cuda::check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  setenv("ISOBATH_EMULATED_BYTES", std::to_string(total - free + 4096).c_str(), 1);
  { const Block half(kDevice, 2048); }
  EXPECT_NO_THROW(Block(kDevice, 4096));
  trim_allocator();
  EXPECT_THROW(Block(kDevice, 8192), std::bad_alloc);
  EXPECT_EQ(allocator_stats(DeviceKind::Cuda).bytes_cached, 0);
  unsetenv("ISOBATH_EMULATED_BYTES");
}

IN_EVERY_SCHEDULE(Allocator);

TEST(WrongReuse, IsSeenByTheLateSchedule) {
  const test::ScheduleScope scope({ScheduleKind::Late});
  trim_allocator();
  EXPECT_EQ(left_after_reuse(Declared::No), 7);
}

}  // namespace
}  // namespace isobath::emulated
