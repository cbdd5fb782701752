// Faults that show in memory: what is read before it was written, what nothing orders, what lies beyond the end.

#include <cmath>
#include <cstdlib>

#include "ops/core/allocator.hpp"
#include "ops/core/dtype.hpp"
#include "tests/emulated/checks/harness.hpp"

namespace isobath::emulated {
namespace {

constexpr unsigned kThreads = 64;

class MemoryFaults : public test::InEveryOrder {};

template <class T>
__global__ void read_unwritten(T* out) {
  out[threadIdx.x] = cuda::block_shared<T[kThreads]>()[threadIdx.x];
}

TEST_P(MemoryFaults, SharedMemoryIsPoisonedBeforeEveryBlock) {
  const test::DeviceArray<float> floats(kThreads);
  const test::DeviceArray<bfloat16> halves(kThreads);
  const test::DeviceArray<int> indices(kThreads);
  for (int launch = 0; launch < 2; ++launch) {
    cuda::launch("f32", &read_unwritten<float>, {.blocks = 1, .threads = kThreads}, test::queue(), floats.data());
    cuda::launch("bf16", &read_unwritten<bfloat16>, {.blocks = 1, .threads = kThreads}, test::queue(), halves.data());
    cuda::launch("i32", &read_unwritten<int>, {.blocks = 1, .threads = kThreads}, test::queue(), indices.data());
    for (const float value : floats.read()) EXPECT_TRUE(std::isnan(value));
    for (const bfloat16 value : halves.read()) EXPECT_TRUE(std::isnan(static_cast<float>(value)));
    for (const int value : indices.read()) EXPECT_GT(value, 1 << 30);
  }
}

__global__ void leave_behind(int* out) {
  auto& left = cuda::block_shared<int>();
  if (threadIdx.x != 0) return;
  out[blockIdx.x] = left;
  left = 7;
}

TEST_P(MemoryFaults, ABlockDoesNotSeeWhatTheLastOneLeft) {
  const test::DeviceArray<int> out(8);
  cuda::launch("leave behind", &leave_behind, {.blocks = 8, .threads = kThreads}, test::queue(), out.data());
  for (const int value : out.read()) EXPECT_GT(value, 1 << 30);
}

TEST_P(MemoryFaults, FreshDeviceMemoryIsPoisoned) {
  for (const float value : test::DeviceArray<float>(100).read()) EXPECT_TRUE(std::isnan(value));
}

enum class Barrier { Present, Missing };

template <Barrier barrier>
__global__ void rotate(float* out) {
  auto& shared = cuda::block_shared<float[kThreads]>();
  shared[threadIdx.x] = static_cast<float>(threadIdx.x);
  if constexpr (barrier == Barrier::Present) __syncthreads();
  out[threadIdx.x] = shared[(threadIdx.x + 1) % kThreads];
}

template <Barrier barrier>
bool rotates_rightly() {
  const test::DeviceArray<float> out(kThreads);
  cuda::launch("rotate", &rotate<barrier>, {.blocks = 1, .threads = kThreads}, test::queue(), out.data());
  const std::vector<float> got = out.read();
  bool right = true;
  for (unsigned i = 0; i < kThreads; ++i) right = right && got[i] == static_cast<float>((i + 1) % kThreads);
  return right;
}

TEST_P(MemoryFaults, WithTheBarrierTheResultIsRight) { EXPECT_TRUE(rotates_rightly<Barrier::Present>()); }

#if !defined(__SANITIZE_THREAD__)
// Whichever thread runs first reads what its neighbour has not written. TSan would rightly stop this test, and has its
// own in races_test.cpp.
TEST_P(MemoryFaults, AMissingBarrierGivesAWrongResult) { EXPECT_FALSE(rotates_rightly<Barrier::Missing>()); }
#endif

[[maybe_unused]] __global__ void write_at(int* data, int index) { data[index] = 1; }

[[maybe_unused]] __global__ void read_byte_at(const char* data, int index, char* out) { *out = data[index]; }

__global__ void write_shared_at(int index) {
  int* const data = cuda::block_shared<int[10]>();  // through a pointer: UBSan would stop an array's index first
  data[index] = 1;
}

__global__ void write_dynamic_at(int index) { cuda::dynamic_shared<int>()[index] = 1; }

TEST(OutOfBounds, IsReportedByAsan) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const test::DeviceArray<int> data(10);
  const cuda::LaunchShape one{.blocks = 1, .threads = 1}, with_dynamic{.blocks = 1, .threads = 1, .dynamic_bytes = 40};
  const auto run = [](auto kernel, const cuda::LaunchShape& shape, auto... args) {
    cuda::launch("out of bounds", kernel, shape, test::queue(), args...);
    test::finish();
  };
  EXPECT_DEATH(run(&write_at, one, data.data(), 10), "heap-buffer-overflow");
  EXPECT_DEATH(run(&write_at, one, data.data(), -1), "heap-buffer-overflow");
  EXPECT_DEATH(run(&write_shared_at, one, 10), "use-after-poison");
  EXPECT_DEATH(run(&write_dynamic_at, with_dynamic, 10), "use-after-poison");
  run(&write_at, one, data.data(), 9);
  run(&write_shared_at, one, 9);
  run(&write_dynamic_at, with_dynamic, 9);
#else
  GTEST_SKIP() << "built without ASan (ISOBATH_SANITIZE=address)";
#endif
}

// The allocator hands out blocks again, and at other times longer ones than asked for: neither may hide the end.
TEST(OutOfBounds, IsReportedInBlocksOfTheAllocator) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  constexpr Device kDevice = Device::cuda(0);
  const Block out(kDevice, 1);
  const auto read = [&](const Block& from, int index) {
    cuda::launch("read", &read_byte_at, {.blocks = 1, .threads = 1}, test::queue(),
                 static_cast<const char*>(from.data()), index, static_cast<char*>(out.data()));
    test::finish();
  };
  { const Block longer(kDevice, 1000); }
  const Block block(kDevice, 950);
  read(block, 949);
  EXPECT_DEATH(read(block, 950), "heap-buffer-overflow");
#else
  GTEST_SKIP() << "built without ASan (ISOBATH_SANITIZE=address)";
#endif
}

TEST(OutOfBounds, AWriteBehindSharedMemoryIsAFault) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "ASan stops at the write itself";
#else
  const auto said_of = [](auto kernel, std::size_t dynamic_bytes, int index) -> std::string {
    try {
      cuda::launch("out of bounds", kernel, {.blocks = 1, .threads = 1, .dynamic_bytes = dynamic_bytes}, test::queue(),
                   index);
      test::finish();
    } catch (const Fault& fault) {
      return fault.what();
    }
    return {};
  };
  EXPECT_EQ(said_of(&write_shared_at, 0, 9), "");
  EXPECT_THAT(said_of(&write_shared_at, 0, 10), testing::HasSubstr("beyond the 40 bytes"));
  EXPECT_EQ(said_of(&write_dynamic_at, 20, 4), "");
  EXPECT_THAT(said_of(&write_dynamic_at, 20, 5), testing::HasSubstr("beyond the 20 bytes"));
  EXPECT_THAT(said_of(&write_dynamic_at, 20, 5 + 128 / 4), testing::HasSubstr("beyond the 20 bytes"));
#endif
}

TEST(SharedMemory, LimitsAreThoseOfTheDevice) {
  const auto with = [](std::size_t bytes) {
    cuda::launch("dynamic", &write_dynamic_at, {.blocks = 1, .threads = 1, .dynamic_bytes = bytes}, test::queue(), 0);
    test::finish();
  };
  EXPECT_THROW(with(0), Fault);
  EXPECT_NO_THROW(with(227 * 1024));
  EXPECT_THROW(with(227 * 1024 + 1), InternalError);
}

__global__ void too_much_static() { cuda::block_shared<char[48 * 1024 + 1]>()[0] = 1; }

TEST(SharedMemory, StaticPiecesHaveALimit) {
  EXPECT_THAT(test::fault_of(&too_much_static, 1), testing::HasSubstr("49153 bytes of static shared memory"));
}

IN_EVERY_ORDER(MemoryFaults);

}  // namespace
}  // namespace isobath::emulated
