#pragma once
// Captures and graphs with one owner each, for tests of the runtime itself.

#include "tests/emulated/checks/stream_harness.hpp"

namespace isobath::emulated::test {

inline cudaStream_t handle_of(const cuda::Stream& stream) { return cuda::stream_of(stream.queue()); }

inline void begin(const cuda::Stream& stream, cudaStreamCaptureMode mode = cudaStreamCaptureModeThreadLocal) {
  cuda::check(cudaStreamBeginCapture(handle_of(stream), mode), "cudaStreamBeginCapture");
}

/// What was captured in a stream since begin(), ready to run.
class Executable {
 public:
  explicit Executable(const cuda::Stream& stream) {
    cudaGraph_t graph = nullptr;
    cuda::check(cudaStreamEndCapture(handle_of(stream), &graph), "cudaStreamEndCapture");
    cuda::check(cudaGraphInstantiate(&handle_, graph), "cudaGraphInstantiate");
    cuda::check(cudaGraphDestroy(graph), "cudaGraphDestroy");
  }
  ~Executable() { cudaGraphExecDestroy(handle_); }
  Executable(const Executable&) = delete;
  Executable& operator=(const Executable&) = delete;

  cudaGraphExec_t handle() const { return handle_; }
  void launch(const cuda::Stream& stream) const {
    cuda::check(cudaGraphLaunch(handle_, handle_of(stream)), "cudaGraphLaunch");
  }

 private:
  cudaGraphExec_t handle_ = nullptr;
};

/// Ends a capture that was invalidated: the error, and no graph.
inline void expect_invalid(const cuda::Stream& stream) {
  cudaGraph_t graph = nullptr;
  auto status = cudaStreamCaptureStatusNone;
  EXPECT_EQ(cudaStreamIsCapturing(handle_of(stream), &status), cudaSuccess);
  EXPECT_EQ(status, cudaStreamCaptureStatusInvalidated);
  EXPECT_EQ(cudaStreamEndCapture(handle_of(stream), &graph), cudaErrorStreamCaptureInvalidated);
  EXPECT_EQ(graph, nullptr);
  EXPECT_EQ(cudaStreamIsCapturing(handle_of(stream), &status), cudaSuccess);
  EXPECT_EQ(status, cudaStreamCaptureStatusNone);
  cudaGetLastError();
}

}  // namespace isobath::emulated::test
