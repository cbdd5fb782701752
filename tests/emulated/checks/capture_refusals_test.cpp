// What streams in capture refuse: the tests behind the second table in tests/emulated/refusals.md.

#include "tests/emulated/checks/graph_harness.hpp"

namespace isobath::emulated {
namespace {

using test::begin;
using test::expect_invalid;
using test::handle_of;

class CaptureRefusals : public testing::Test {
 protected:
  ~CaptureRefusals() override { cudaGetLastError(); }

  cuda::Stream stream_;
  const cudaStream_t handle_ = handle_of(stream_);
};

TEST_F(CaptureRefusals, WaitingForAStreamInCapture) {
  begin(stream_);
  EXPECT_EQ(cudaStreamSynchronize(handle_), cudaErrorStreamCaptureUnsupported);
  expect_invalid(stream_);
  begin(stream_);
  EXPECT_EQ(cudaStreamQuery(handle_), cudaErrorStreamCaptureUnsupported);
  expect_invalid(stream_);
  begin(stream_);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorStreamCaptureUnsupported);
  expect_invalid(stream_);
}

TEST_F(CaptureRefusals, AskingACapturedEvent) {
  const cuda::Event event;
  begin(stream_);
  event.record(stream_.queue());
  EXPECT_THROW(event.wait(), InternalError);
  expect_invalid(stream_);
  begin(stream_);
  event.record(stream_.queue());
  EXPECT_THROW(event.passed(), InternalError);
  expect_invalid(stream_);
  EXPECT_THROW(event.passed(), InternalError) << "the capture is over, and the event still of it";
  EXPECT_THROW(event.before(stream_.queue()), InternalError);
}

TEST_F(CaptureRefusals, WorkAfterTheCaptureWasInvalidated) {
  const test::DeviceArray<int> value(1);
  begin(stream_);
  EXPECT_EQ(cudaStreamQuery(handle_), cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(cudaMemsetAsync(value.data(), 0, sizeof(int), handle_), cudaErrorStreamCaptureInvalidated);
  const cuda::Event event;
  EXPECT_THROW(event.record(stream_.queue()), InternalError);
  expect_invalid(stream_);
  EXPECT_EQ(cudaMemsetAsync(value.data(), 0, sizeof(int), handle_), cudaSuccess);
}

TEST_F(CaptureRefusals, UnsafeCallsInAModeThatForbidsThem) {
  for (const auto mode : {cudaStreamCaptureModeGlobal, cudaStreamCaptureModeThreadLocal}) {
    void* data = nullptr;
    begin(stream_, mode);
    EXPECT_EQ(cudaMalloc(&data, 8), cudaErrorStreamCaptureUnsupported);
    expect_invalid(stream_);
    begin(stream_, mode);
    EXPECT_EQ(cudaHostAlloc(&data, 8, cudaHostAllocDefault), cudaErrorStreamCaptureUnsupported);
    expect_invalid(stream_);
  }
}

TEST_F(CaptureRefusals, UnsafeCallsOnlyWhereTheModeForbidsThem) {
  const auto allocate = [] {
    void* data = nullptr;
    const cudaError_t error = cudaHostAlloc(&data, 8, cudaHostAllocDefault);
    if (data != nullptr) cudaFreeHost(data);
    return error;
  };
  const auto on_another_thread = [&](cudaStreamCaptureMode mode) {
    begin(stream_, mode);
    cudaError_t error = cudaSuccess;
    std::thread([&] { error = allocate(); }).join();
    cudaGraph_t graph = nullptr;
    cudaStreamEndCapture(handle_, &graph);
    if (graph != nullptr) cudaGraphDestroy(graph);
    return error;
  };
  EXPECT_EQ(on_another_thread(cudaStreamCaptureModeGlobal), cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(on_another_thread(cudaStreamCaptureModeThreadLocal), cudaSuccess);
  begin(stream_);
  auto mode = cudaStreamCaptureModeRelaxed;
  EXPECT_EQ(cudaThreadExchangeStreamCaptureMode(&mode), cudaSuccess);
  EXPECT_EQ(allocate(), cudaSuccess);
  EXPECT_EQ(cudaThreadExchangeStreamCaptureMode(&mode), cudaSuccess);
  EXPECT_EQ(mode, cudaStreamCaptureModeRelaxed);
  const test::Executable captured(stream_);
}

TEST_F(CaptureRefusals, AStreamThatIsNotJoined) {
  const cuda::Stream other;
  const cuda::Event forked;
  const test::DeviceArray<int> value(1);
  begin(stream_);
  forked.record(stream_.queue());
  forked.before(other.queue());
  test::set_to(other, value.data(), 1);
  cudaGraph_t graph = nullptr;
  EXPECT_EQ(cudaStreamEndCapture(handle_, &graph), cudaErrorStreamCaptureUnjoined);
  EXPECT_EQ(graph, nullptr);
  test::set_to(other, value.data(), 2);
  other.wait();
  EXPECT_EQ(value.read(), std::vector<int>{2});
}

TEST_F(CaptureRefusals, AnEndInAnotherStreamOrThread) {
  const cuda::Stream other;
  const cuda::Event forked;
  cudaGraph_t graph = nullptr;
  EXPECT_EQ(cudaStreamEndCapture(handle_, &graph), cudaErrorInvalidValue);
  begin(stream_);
  cudaError_t error = cudaSuccess;
  std::thread([&] { error = cudaStreamEndCapture(handle_, &graph); }).join();
  EXPECT_EQ(error, cudaErrorStreamCaptureWrongThread);
  forked.record(stream_.queue());
  forked.before(other.queue());
  EXPECT_EQ(cudaStreamEndCapture(handle_of(other), &graph), cudaErrorStreamCaptureUnmatched);
  expect_invalid(stream_);
}

TEST_F(CaptureRefusals, ASecondBeginAndTheDefaultStream) {
  EXPECT_EQ(cudaStreamBeginCapture(nullptr, cudaStreamCaptureModeRelaxed), cudaErrorStreamCaptureUnsupported);
  begin(stream_);
  EXPECT_EQ(cudaStreamBeginCapture(handle_, cudaStreamCaptureModeRelaxed), cudaErrorInvalidValue);
  const test::Executable captured(stream_);
}

TEST_F(CaptureRefusals, TwoCapturesThatWouldMerge) {
  const cuda::Stream other;
  const cuda::Event event;
  begin(stream_);
  begin(other);
  event.record(stream_.queue());
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_THROW(event.before(other.queue()), InternalError);
  expect_invalid(stream_);
  expect_invalid(other);
}

TEST_F(CaptureRefusals, AnEventOfWorkOutsideTheCapture) {
  const cuda::Stream other;
  const cuda::Event event;
  event.record(other.queue());
  begin(stream_);
  EXPECT_THROW(event.before(stream_.queue()), InternalError);
  expect_invalid(stream_);
}

TEST_F(CaptureRefusals, TheDefaultStreamBesideABlockingStreamInCapture) {
  const test::BlockingStream blocking;
  const cudaStream_t handle = cuda::stream_of(blocking.queue());
  const test::DeviceArray<int> value(1);
  auto status = cudaStreamCaptureStatusNone;
  cudaGraph_t graph = nullptr;
  ASSERT_EQ(cudaStreamBeginCapture(handle, cudaStreamCaptureModeThreadLocal), cudaSuccess);
  EXPECT_EQ(cudaStreamIsCapturing(nullptr, &status), cudaErrorStreamCaptureImplicit);
  EXPECT_EQ(cudaStreamIsCapturing(handle, &status), cudaSuccess);
  EXPECT_EQ(status, cudaStreamCaptureStatusActive) << "the question harms nothing";
  EXPECT_EQ(cudaMemsetAsync(value.data(), 0, sizeof(int), nullptr), cudaErrorStreamCaptureImplicit);
  EXPECT_EQ(cudaStreamEndCapture(handle, &graph), cudaErrorStreamCaptureInvalidated);
}

TEST_F(CaptureRefusals, AllocationsAndFreesInACapture) {
  void *fresh = nullptr, *old = nullptr;
  ASSERT_EQ(cudaMallocAsync(&old, 8, handle_), cudaSuccess);
  begin(stream_);
  EXPECT_THROW(cudaMallocAsync(&fresh, 8, handle_), Fault);
  EXPECT_THROW(cudaFreeAsync(old, handle_), Fault);
  { const test::Executable captured(stream_); }
  EXPECT_EQ(cudaFreeAsync(old, handle_), cudaSuccess);
  stream_.wait();
}

TEST_F(CaptureRefusals, CopiesOfPageableMemory) {
  const test::DeviceArray<int> value(1);
  int on_host = 1;
  begin(stream_);
  EXPECT_THROW(cudaMemcpyAsync(value.data(), &on_host, sizeof(int), cudaMemcpyHostToDevice, handle_), Fault);
  EXPECT_THROW(cudaMemcpyAsync(&on_host, value.data(), sizeof(int), cudaMemcpyDeviceToHost, handle_), Fault);
  const test::Executable captured(stream_);
}

TEST_F(CaptureRefusals, ALaunchOfAGraphInACapture) {
  begin(stream_);
  const test::Executable inner(stream_);
  begin(stream_);
  EXPECT_THROW(inner.launch(stream_), Fault);
  const test::Executable outer(stream_);
}

TEST_F(CaptureRefusals, GraphsThatAreGone) {
  begin(stream_);
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  ASSERT_EQ(cudaStreamEndCapture(handle_, &graph), cudaSuccess);
  EXPECT_EQ(cudaGraphInstantiate(&executable, graph, 1U << 30), cudaErrorInvalidValue);
  ASSERT_EQ(cudaGraphInstantiate(&executable, graph), cudaSuccess);
  EXPECT_EQ(cudaGraphDestroy(graph), cudaSuccess);
  EXPECT_EQ(cudaGraphDestroy(graph), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGraphLaunch(executable, handle_), cudaSuccess);
  EXPECT_EQ(cudaGraphExecDestroy(executable), cudaSuccess);
  EXPECT_EQ(cudaGraphLaunch(executable, handle_), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGraphExecDestroy(executable), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGraphInstantiate(&executable, graph), cudaErrorInvalidValue);
}

}  // namespace
}  // namespace isobath::emulated
