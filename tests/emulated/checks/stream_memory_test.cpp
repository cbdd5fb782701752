// Memory that is freed, or used too soon, while work is queued.

#include "tests/emulated/checks/stream_harness.hpp"

namespace isobath::emulated {
namespace {

using testing::HasSubstr;

int* malloc_on(const cuda::Stream& stream) {
  void* data = nullptr;
  cuda::check(cudaMallocAsync(&data, sizeof(int), cuda::stream_of(stream.queue())), "cudaMallocAsync");
  return static_cast<int*>(data);
}

void free_on(const cuda::Stream& stream, int* data) {
  cuda::check(cudaFreeAsync(data, cuda::stream_of(stream.queue())), "cudaFreeAsync");
}

template <class Call>
std::string fault_in(Call&& call) {
  try {
    call();
    test::finish();
  } catch (const Fault& fault) {
    return fault.what();
  }
  return "no fault";
}

class StreamMemory : public test::InEverySchedule {};

TEST_P(StreamMemory, FollowsItsStream) {
  const cuda::Stream stream;
  const test::HostInts seen(1);
  for (int round = 0; round < 5; ++round) {
    int* const value = malloc_on(stream);
    test::set_to(stream, value, round);
    seen.copy_from(stream, value);
    free_on(stream, value);
    stream.wait();
    EXPECT_EQ(seen[0], round);
  }
}

TEST_P(StreamMemory, PassesToAnotherStreamByEvents) {
  const cuda::Stream first, second;
  const cuda::Event event;
  int* const value = malloc_on(first);
  event.record(first.queue());
  event.before(second.queue());
  test::set_to(second, value, 1);
  event.record(second.queue());
  event.before(first.queue());
  free_on(first, value);
  EXPECT_EQ(fault_in([] {}), "no fault");
}

TEST_P(StreamMemory, MemoryOfTheDeviceIsAccountedFor) {
  const cuda::Stream stream;
  std::size_t before = 0, during = 0, after = 0, total = 0;
  ASSERT_EQ(cudaMemGetInfo(&before, &total), cudaSuccess);
  int* const value = malloc_on(stream);
  ASSERT_EQ(cudaMemGetInfo(&during, &total), cudaSuccess);
  free_on(stream, value);
  stream.wait();
  ASSERT_EQ(cudaMemGetInfo(&after, &total), cudaSuccess);
  EXPECT_EQ(before - during, sizeof(int));
  EXPECT_EQ(before, after);
}

IN_EVERY_SCHEDULE(StreamMemory);

class LateMemory : public testing::Test {
 private:
  test::ScheduleScope scope_{{ScheduleKind::Late}};
};

TEST_F(LateMemory, AFreeUnderQueuedWorkIsAFault) {
  const cuda::Stream stream;
  void* data = nullptr;
  ASSERT_EQ(cudaMalloc(&data, sizeof(int)), cudaSuccess);
  test::set_to(stream, static_cast<int*>(data), 1);
  EXPECT_THAT(fault_in([&] { cudaFree(data); }), HasSubstr("freed while queued work still uses"));
  stream.wait();
  EXPECT_EQ(cudaFree(data), cudaSuccess);
}

TEST_F(LateMemory, AFreeOfPinnedMemoryUnderAQueuedCopyIsAFault) {
  const cuda::Stream stream;
  const test::DeviceArray<int> value(1);
  const test::HostInts seen(1);
  seen.copy_from(stream, value.data());
  EXPECT_THAT(fault_in([&] { cudaFreeHost(seen.data()); }), HasSubstr("pinned host memory"));
  stream.wait();
}

TEST_F(LateMemory, AFreeOnAnotherStreamWithoutAnEventIsAFault) {
  const cuda::Stream first, second;
  int* const value = malloc_on(first);
  first.wait();
  test::set_to(first, value, 1);
  free_on(second, value);
  EXPECT_THAT(fault_in([&] { second.wait(); }), HasSubstr("freed while queued work still uses"));
  free_on(first, value);
}

TEST_F(LateMemory, AUseBeforeTheAllocationIsAFault) {
  const cuda::Stream first, second;
  int* const value = malloc_on(first);
  test::set_to(second, value, 1);
  EXPECT_THAT(fault_in([&] { second.wait(); }), HasSubstr("used before their allocation"));
  free_on(first, value);
}

TEST_F(LateMemory, AUseBehindTheFreeIsAFault) {
  const cuda::Stream stream;
  int* const value = malloc_on(stream);
  free_on(stream, value);
  test::set_to(stream, value, 1);
  EXPECT_THAT(fault_in([&] { stream.wait(); }), HasSubstr("freed while queued work still uses"));
  free_on(stream, value);
}

TEST_F(LateMemory, ASecondFreeIsAFault) {
  const cuda::Stream stream;
  int* const value = malloc_on(stream);
  free_on(stream, value);
  free_on(stream, value);
  EXPECT_THAT(fault_in([&] { stream.wait(); }), HasSubstr("used after they were freed"));
}

}  // namespace
}  // namespace isobath::emulated
