// What the runtime's calls refuse: the tests behind the table in tests/emulated/refusals.md.

#include "tests/emulated/checks/stream_harness.hpp"

namespace isobath::emulated {
namespace {

class Refusals : public testing::Test {
 protected:
  ~Refusals() override { cudaGetLastError(); }

  static cudaStream_t gone_stream() {
    const cuda::Stream stream;
    return cuda::stream_of(stream.queue());
  }
  static cudaEvent_t make_event() {
    cudaEvent_t event = nullptr;
    EXPECT_EQ(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), cudaSuccess);
    return event;
  }
  static cudaEvent_t gone_event() {
    const cudaEvent_t event = make_event();
    EXPECT_EQ(cudaEventDestroy(event), cudaSuccess);
    return event;
  }
};

/// Makes a second device for as long as it lives, and is on it.
class OnSecondDevice {
 public:
  OnSecondDevice() {
    setenv("ISOBATH_EMULATED_DEVICES", "2", 1);
    EXPECT_EQ(cudaSetDevice(1), cudaSuccess);
  }
  ~OnSecondDevice() {
    cudaSetDevice(0);
    unsetenv("ISOBATH_EMULATED_DEVICES");
  }
  OnSecondDevice(const OnSecondDevice&) = delete;
  OnSecondDevice& operator=(const OnSecondDevice&) = delete;
};

TEST_F(Refusals, AStreamThatIsGone) {
  const cudaStream_t gone = gone_stream();
  const cudaEvent_t event = make_event();
  const test::DeviceArray<int> value(1);
  void* data = value.data();
  EXPECT_EQ(cudaStreamSynchronize(gone), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaStreamQuery(gone), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaStreamDestroy(gone), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaStreamWaitEvent(gone, event), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaEventRecord(event, gone), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaMemsetAsync(data, 0, sizeof(int), gone), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaMemcpyAsync(data, data, sizeof(int), cudaMemcpyDeviceToDevice, gone), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaMallocAsync(&data, 8, gone), cudaErrorInvalidResourceHandle);
  EXPECT_THROW(test::set_on({gone}, value.data(), 1), InternalError);
  EXPECT_EQ(cudaEventDestroy(event), cudaSuccess);
}

TEST_F(Refusals, AnEventThatIsGone) {
  const cudaEvent_t gone = gone_event();
  EXPECT_EQ(cudaEventRecord(gone), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaEventSynchronize(gone), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaEventQuery(gone), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaEventDestroy(gone), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaStreamWaitEvent(nullptr, gone), cudaErrorInvalidResourceHandle);
}

TEST_F(Refusals, UnknownFlags) {
  cudaStream_t stream = nullptr;
  cudaEvent_t event = make_event(), other = nullptr;
  void* data = nullptr;
  EXPECT_EQ(cudaStreamCreateWithFlags(&stream, 8), cudaErrorInvalidValue);
  EXPECT_EQ(cudaEventCreateWithFlags(&other, 64), cudaErrorInvalidValue);
  EXPECT_EQ(cudaStreamWaitEvent(nullptr, event, 8), cudaErrorInvalidValue);
  EXPECT_EQ(cudaHostAlloc(&data, 8, 64), cudaErrorInvalidValue);
  EXPECT_EQ(cudaEventDestroy(event), cudaSuccess);
}

TEST_F(Refusals, AKernelOnAStreamOfAnotherDevice) {
  const test::DeviceArray<int> value(1);
  const CudaQueue first = test::queue();
  const OnSecondDevice second;
  EXPECT_THROW(test::set_on(first, value.data(), 1), InternalError);
  EXPECT_EQ(cudaMemsetAsync(value.data(), 0, sizeof(int), cuda::stream_of(first)), cudaSuccess);
}

TEST_F(Refusals, AnEventRecordedOnAnotherDevice) {
  const cudaEvent_t event = make_event();
  const CudaQueue first = test::queue();
  const OnSecondDevice second;
  EXPECT_EQ(cudaEventRecord(event), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaEventRecord(event, cuda::stream_of(first)), cudaSuccess);
  EXPECT_EQ(cudaStreamWaitEvent(nullptr, event), cudaSuccess);
  EXPECT_EQ(cudaEventSynchronize(event), cudaSuccess);
  EXPECT_EQ(cudaEventDestroy(event), cudaSuccess);
}

TEST_F(Refusals, DevicesAndAttributesThatAreNot) {
  int value = 0;
  EXPECT_EQ(cudaSetDevice(1), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaSetDevice(-1), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaDeviceGetAttribute(&value, cudaDevAttrWarpSize, 1), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaDeviceGetAttribute(&value, static_cast<cudaDeviceAttr>(9999), 0), cudaErrorInvalidValue);
  EXPECT_EQ(cudaDeviceGetAttribute(&value, cudaDevAttrWarpSize, 0), cudaSuccess);
  EXPECT_EQ(value, 32);
}

TEST_F(Refusals, AFreeOfWhatAnotherCallAllocated) {
  void *plain = nullptr, *pooled = nullptr, *pinned = nullptr;
  ASSERT_EQ(cudaMalloc(&plain, 8), cudaSuccess);
  ASSERT_EQ(cudaMallocAsync(&pooled, 8, nullptr), cudaSuccess);
  ASSERT_EQ(cudaHostAlloc(&pinned, 8, cudaHostAllocDefault), cudaSuccess);
  EXPECT_EQ(cudaFree(pinned), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFreeHost(plain), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFreeAsync(plain, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFreeAsync(pinned, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFree(static_cast<char*>(plain) + 4), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFree(plain), cudaSuccess);
  EXPECT_EQ(cudaFreeAsync(pooled, nullptr), cudaSuccess);
  EXPECT_EQ(cudaFreeHost(pinned), cudaSuccess);
  test::finish();
}

TEST_F(Refusals, MoreMemoryThanTheDeviceHas) {
  void* data = nullptr;
  EXPECT_EQ(cudaMalloc(&data, std::size_t{81} << 30), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaMallocAsync(&data, std::size_t{81} << 30, nullptr), cudaErrorMemoryAllocation);
  EXPECT_EQ(data, nullptr);
}

}  // namespace
}  // namespace isobath::emulated
