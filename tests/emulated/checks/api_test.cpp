// The runtime's host calls: what they refuse, and how isobath says so.

#include <cstdlib>
#include <new>

#include <cuda_runtime.h>

#include "ops/core/host_waits.hpp"
#include "tests/emulated/checks/harness.hpp"

namespace isobath::emulated {
namespace {

using testing::HasSubstr;

__global__ void nothing() {}

template <class Call>
std::string internal_error_of(Call&& call) {
  try {
    call();
  } catch (const InternalError& error) {
    return error.what();
  }
  ADD_FAILURE() << "no InternalError";
  return "";
}

TEST(Launch, RefusesExtentsThatNoDeviceTakes) {
  for (const dim3 threads : {dim3(0), dim3(1025), dim3(1, 1, 65), dim3(32, 33)})
    EXPECT_THAT(
        internal_error_of([&] { cuda::launch("nothing", &nothing, {.blocks = 1, .threads = threads}, test::queue()); }),
        HasSubstr("nothing: invalid configuration argument (cudaErrorInvalidConfiguration)"));
  for (const dim3 blocks : {dim3(0), dim3(1, 65536), dim3(1, 1, 65536)})
    EXPECT_THROW(cuda::launch("nothing", &nothing, {.blocks = blocks, .threads = 1}, test::queue()), InternalError);
}

TEST(Launch, LeavesNoErrorBehind) {
  EXPECT_THROW(cuda::launch("nothing", &nothing, {.blocks = 0, .threads = 1}, test::queue()), InternalError);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

TEST(Memory, CopiesCheckWhereTheirEndsLie) {
  const test::DeviceArray<int> device(4);
  int host[4] = {1, 2, 3, 4};
  const auto copy = [](void* to, const void* from, std::size_t count, cudaMemcpyKind kind) {
    return cudaMemcpyAsync(to, from, count * sizeof(int), kind, cuda::stream_of(test::queue()));
  };
  EXPECT_EQ(copy(device.data(), host, 4, cudaMemcpyHostToDevice), cudaSuccess);
  EXPECT_EQ(copy(device.data() + 1, host, 4, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(copy(host, host, 4, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(copy(device.data(), host, 4, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  EXPECT_EQ(copy(host, device.data(), 4, cudaMemcpyDeviceToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
  EXPECT_EQ(device.read(), (std::vector<int>{1, 2, 3, 4}));
}

TEST(Memory, SetsBytesWithinOneAllocation) {
  const test::DeviceArray<int> device(4);
  const cudaStream_t stream = cuda::stream_of(test::queue());
  EXPECT_EQ(cudaMemsetAsync(device.data(), 0, 16, stream), cudaSuccess);
  EXPECT_EQ(cudaMemsetAsync(device.data(), 0, 17, stream), cudaErrorInvalidValue);
  EXPECT_EQ(device.read(), (std::vector<int>{0, 0, 0, 0}));
  cudaGetLastError();
}

TEST(Memory, IsFreedOnce) {
  void* data = nullptr;
  ASSERT_EQ(cudaMalloc(&data, 8), cudaSuccess);
  EXPECT_EQ(cudaFree(data), cudaSuccess);
  EXPECT_EQ(cudaFree(data), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
  cudaGetLastError();
}

TEST(Memory, ADeviceCanBeFull) {
  EXPECT_THROW(cuda_allocate(test::queue(), std::size_t{81} << 30), std::bad_alloc);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

TEST(Devices, AnIndexBeyondTheLastIsTheUsersMistake) {
  try {
    current_cuda_queue(Device::cuda(7));
    FAIL() << "there is no eighth device";
  } catch (const BackendError& error) {
    EXPECT_THAT(error.what(), HasSubstr("cudaErrorInvalidDevice"));
    EXPECT_THAT(error.what(), HasSubstr("CUDA_VISIBLE_DEVICES"));
  }
}

TEST(Devices, NoneIsAnAnswer) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // the answer is asked for once per process
  const auto run = [] {
    setenv("ISOBATH_EMULATED_DEVICES", "0", 1);
    std::fprintf(stderr, "%d: %s", cuda_device_count(), cuda_status());
    std::exit(cuda_device_count());
  };
  EXPECT_EXIT(run(), testing::ExitedWithCode(0), "0: no CUDA device answers: .*cudaErrorNoDevice");
}

TEST(Streams, EventsOrderAndWaitsAreCounted) {
  const cuda::Stream first, second;
  const cuda::Event event;
  const std::int64_t before = host_waits();
  event.record(first.queue());
  event.before(second.queue());
  EXPECT_EQ(host_waits(), before);
  event.wait();
  second.wait();
  EXPECT_EQ(host_waits(), before + 2);
}

TEST(Order, ComesFromTheEnvironment) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto run = [](const char* value) {
    setenv("ISOBATH_EMULATED_ORDER", value, 1);
    try {
      const Order got = order();
      std::exit(10 * static_cast<int>(got.kind) + static_cast<int>(got.seed));
    } catch (const std::invalid_argument& error) {
      std::fputs(error.what(), stderr);
      std::exit(99);
    }
  };
  EXPECT_EXIT(run("reverse"), testing::ExitedWithCode(11), "");
  EXPECT_EXIT(run("random:7"), testing::ExitedWithCode(27), "");
  EXPECT_EXIT(run("backward"), testing::ExitedWithCode(99), "expected forward, reverse, random or random:SEED");
}

}  // namespace
}  // namespace isobath::emulated
