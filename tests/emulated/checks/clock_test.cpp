// Events with clocks, and the count of the host's waits as the runtime keeps it.

#include "ops/core/allocator.hpp"
#include "ops/core/device_clock.hpp"
#include "ops/core/host_waits.hpp"
#include "tests/emulated/api/waits.hpp"
#include "tests/emulated/checks/stream_harness.hpp"

namespace isobath::emulated {
namespace {

TEST(Clock, MeasuresBetweenPointsThatHavePassed) {
  const Device device = Device::cuda(0);
  const CudaMark from = cuda_timed_mark(device);
  const Block block(device, sizeof(int));
  test::set_on(test::queue(), static_cast<int*>(block.data()), 7);
  const CudaMark to = cuda_timed_mark(device);
  const std::int64_t before = host_waits();
  EXPECT_GT(cuda_seconds(from, to), 0.0);
  EXPECT_EQ(host_waits(), before + 1);
  EXPECT_LE(cuda_seconds(to, from), 0.0);
}

TEST(Clock, KnowsNoTimeOfWhatHasNotPassedOrHasNoClock) {
  const emulated::test::ScheduleScope late({ScheduleKind::Late});
  cudaEvent_t timed = nullptr, other = nullptr, plain = nullptr;
  ASSERT_EQ(cudaEventCreateWithFlags(&timed, cudaEventDefault), cudaSuccess);
  ASSERT_EQ(cudaEventCreateWithFlags(&other, cudaEventDefault), cudaSuccess);
  ASSERT_EQ(cudaEventCreateWithFlags(&plain, cudaEventDisableTiming), cudaSuccess);
  const cudaStream_t stream = cuda::stream_of(test::queue());
  float milliseconds = 0.0F;
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, timed, other), cudaErrorInvalidResourceHandle) << "never recorded";
  for (const cudaEvent_t event : {timed, plain, other}) ASSERT_EQ(cudaEventRecord(event, stream), cudaSuccess);
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, timed, other), cudaErrorNotReady);
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, timed, plain), cudaErrorInvalidResourceHandle);
  test::finish();
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, timed, other), cudaSuccess);
  for (const cudaEvent_t event : {timed, plain, other}) cudaEventDestroy(event);
  cudaGetLastError();
}

TEST(Waits, AreCountedByTheRuntime) {
  const Device device = Device::cuda(0);
  const Block block(device, sizeof(int));
  int value = 7;
  const std::int64_t before = waits();
  cuda_copy(device, block.data(), &value, sizeof value, CopyKind::HostToDevice);
  cuda_copy(device, block.data(), block.data(), 0, CopyKind::DeviceToDevice);
  cuda_set_zero(device, block.data(), sizeof value);
  EXPECT_EQ(waits(), before);
  const cuda::Event event;
  event.record(test::queue());
  event.wait();
  cuda_wait(device);
  cudaDeviceSynchronize();
  EXPECT_EQ(waits(), before + 3);
  cudaMemcpy(&value, block.data(), sizeof value, cudaMemcpyDeviceToHost);
  EXPECT_GT(waits(), before + 3);
  EXPECT_EQ(value, 0);
}

}  // namespace
}  // namespace isobath::emulated
