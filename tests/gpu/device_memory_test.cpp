// Tensors on each device: storage, copies, and the count of the host's waits.

#include <new>
#include <thread>

#include <malloc.h>

#include "gpu/devices.hpp"
#include "ops/core/allocator.hpp"
#include "ops/core/host_waits.hpp"

namespace isobath {
namespace {

class DeviceMemory : public test::OnDevice {};

TEST_P(DeviceMemory, ValuesComeBackAsTheyWent) {
  const std::vector<float> values = test::random_values(1000, 31);
  const Tensor tensor = Tensor::from(Shape{10, 100}, values, device());
  EXPECT_TRUE(test::equal_bits(tensor.to_vector<float>(), values));
  const Tensor copy = Tensor::empty(Shape{1000}, DType::F32, device());
  copy.copy_from(tensor);
  EXPECT_TRUE(test::equal_bits(copy.to_vector<float>(), values));
  copy.fill_zero();
  EXPECT_TRUE(test::equal_bits(copy.to_vector<float>(), std::vector<float>(1000)));
}

TEST_P(DeviceMemory, EveryReadByTheHostIsACountedWait) {
  const Tensor tensor = Tensor::from(Shape{4}, std::vector<float>(4), device());
  const std::int64_t before = host_waits();
  tensor.to_vector<float>();
  EXPECT_EQ(host_waits() - before, 1);
}

TEST_P(DeviceMemory, BlocksAreReused) {
  const DeviceKind kind = device().kind;
  { const Tensor first = Tensor::empty(Shape{777}, DType::F32, device()); }
  const std::int64_t created = allocator_stats(kind).blocks_created;
  { const Tensor second = Tensor::empty(Shape{777}, DType::F32, device()); }
  EXPECT_EQ(allocator_stats(kind).blocks_created, created);
  trim_allocator();
  EXPECT_EQ(allocator_stats(kind).bytes_cached, 0);
}

// A block that has served a smaller request is still as long as it was.
TEST_P(DeviceMemory, BlocksKeepTheirLength) {
  trim_allocator();
  const std::int64_t in_use = allocator_stats(device().kind).bytes_in_use;
  for (const std::int64_t elements : {2048, 1900}) Tensor::empty(Shape{elements}, DType::F32, device());
  const std::int64_t created = allocator_stats(device().kind).blocks_created;
  {
    const Tensor again = Tensor::empty(Shape{2048}, DType::F32, device());
    EXPECT_EQ(allocator_stats(device().kind).blocks_created, created);
    EXPECT_EQ(allocator_stats(device().kind).bytes_in_use, in_use + 8192);
  }
}

// What lies in a pool is nobody else's, so it does not count as kept for everybody.
TEST_P(DeviceMemory, BlocksOfAPoolAreReusedAndNotCounted) {
  trim_allocator();
  const MemoryPool pool;
  const MemoryPool::Scope scope(pool);
  { const Tensor first = Tensor::empty(Shape{777}, DType::F32, device()); }
  const std::int64_t created = allocator_stats(device().kind).blocks_created;
  { const Tensor second = Tensor::empty(Shape{777}, DType::F32, device()); }
  EXPECT_EQ(allocator_stats(device().kind).blocks_created, created);
  EXPECT_EQ(allocator_stats(device().kind).bytes_cached, 0);
}

TEST_P(DeviceMemory, FillingAndCopyingWithinTheDeviceDoNotWait) {
  const Tensor tensor = Tensor::from(Shape{4}, std::vector<float>{1, 2, 3, 4}, device());
  const std::int64_t before = host_waits();
  const Tensor copy = Tensor::zeros(Shape{4}, DType::F32, device());
  copy.copy_from(tensor);
  tensor.fill_zero();
  EXPECT_EQ(host_waits(), before);
  EXPECT_TRUE(test::equal_bits(copy.to_vector<float>(), std::vector<float>{1, 2, 3, 4}));
  EXPECT_TRUE(test::equal_bits(tensor.to_vector<float>(), std::vector<float>(4)));
}

// A step's chain of tensors, each let go while the work on it is queued: no further block, no wait, the right values.
TEST_P(DeviceMemory, StepsTakeTheSameBlocks) {
  const std::vector<float> values = test::random_values(1000, 32);
  const Tensor first = Tensor::from(Shape{1000}, values, device());
  const auto step = [&] {
    Tensor last = first;
    for (int i = 0; i < 10; ++i) {
      Tensor next = Tensor::empty(Shape{1000}, DType::F32, device());
      next.copy_from(last);
      last = next;
    }
    return last;
  };
  Tensor result = step();
  const AllocatorStats before = allocator_stats(device().kind);
  const std::int64_t waits = host_waits();
  for (int i = 0; i < 20; ++i) result = step();
  EXPECT_LE(allocator_stats(device().kind).blocks_created, before.blocks_created + 1);  // result's, while step runs
  EXPECT_EQ(host_waits(), waits);
  EXPECT_TRUE(test::equal_bits(result.to_vector<float>(), values));
}

TEST_P(DeviceMemory, ABlockMayBeLetGoByAnotherThread) {
  const std::vector<float> values = test::random_values(1000, 33);
  Tensor copy;
  std::thread([&] {
    Tensor there = Tensor::from(Shape{1000}, values, device());
    copy = Tensor::empty(Shape{1000}, DType::F32, device());
    copy.copy_from(there);
    copy.to_vector<float>();  // a wait: from here on any queue may read
  }).join();
  EXPECT_TRUE(test::equal_bits(copy.to_vector<float>(), values));
}

// A thread's queue goes to one thread after it, not to two.
TEST_P(DeviceMemory, ThreadsThatLiveTogetherHaveQueuesOfTheirOwn) {
  if (device().is_cpu()) GTEST_SKIP() << "the CPU has no queues";
  const auto in_thread = [](auto body) { std::thread(body).join(); };
  in_thread([] { current_cuda_queue(device()); });
  in_thread([&] {
    const CudaQueue first = current_cuda_queue(device());
    in_thread([&] { EXPECT_TRUE(current_cuda_queue(device()) != first); });
  });
}

ON_EVERY_DEVICE(DeviceMemory);

TEST(HostMemory, GoesBackToTheSystem) {
  constexpr std::int64_t kBytes = std::int64_t{64} << 20;  // as much has a mapping of its own
  const auto mapped = [] { return static_cast<std::int64_t>(mallinfo2().hblkhd); };
  trim_allocator();
  const std::int64_t before = mapped();
  {
    const Tensor tensor = Tensor::empty(Shape{kBytes / 4}, DType::F32, Device::cpu());
    if (mapped() - before < kBytes) GTEST_SKIP() << "a sanitizer's malloc; it looks for leaks itself";
  }
  trim_allocator();
  EXPECT_EQ(mapped(), before);
}

TEST(FullDevice, ThrowsBadAlloc) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "no GPU: " << cuda_status();
  EXPECT_THROW(Tensor::empty(Shape{std::int64_t{1} << 48}, DType::F32, Device::cuda(0)), std::bad_alloc);
}

TEST(NoDevice, SaysWhyAndWhatToDo) {
  if (cuda_device_count() > 0) GTEST_SKIP() << "this machine has one: " << cuda_status();
  EXPECT_STRNE(cuda_status(), "");
  try {
    Tensor::empty(Shape{4}, DType::F32, Device::cuda(0));
    FAIL() << "memory of a device that is not there";
  } catch (const BackendError& error) {
    EXPECT_NE(std::string(error.what()).find("device: cpu"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace isobath
