#include "ops/core/cuda/recording.hpp"

#include <cstring>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "ops/core/cuda/check.hpp"
#include "ops/core/cuda/pinned.hpp"
#include "ops/core/cuda/stream.hpp"
#include "ops/core/device_graph.hpp"
#include "ops/core/device_memory.hpp"
#include "ops/core/error.hpp"
#include "ops/core/log.hpp"

namespace isobath {
namespace cuda {
namespace {

struct DestroyGraph {
  void operator()(cudaGraph_t graph) const noexcept { check_or_log(cudaGraphDestroy(graph), "cudaGraphDestroy"); }
  void operator()(cudaGraphExec_t graph) const noexcept {
    check_or_log(cudaGraphExecDestroy(graph), "cudaGraphExecDestroy");
  }
};
template <class Handle>
using GraphOwner = std::unique_ptr<std::remove_pointer_t<Handle>, DestroyGraph>;

struct Recorded {
  std::vector<PinnedMemory> sent;  // what launches send to the device
  Event launched;                  // the last launch
  GraphOwner<cudaGraphExec_t> executable;
};

thread_local Recorded* recording = nullptr;

// A stream in capture. Other threads go on with theirs, and may call what they like.
class Capture {
 public:
  Capture(CudaQueue queue, Recorded& to) : stream_(stream_of(queue)) {
    check(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
    recording = &to;
  }
  // After an exception: what was recorded is forgotten, and that it may be invalid is no news.
  ~Capture() {
    if (stream_ == nullptr) return;
    recording = nullptr;
    cudaGraph_t graph = nullptr;
    cudaStreamEndCapture(stream_, &graph);
    cudaGetLastError();
    const GraphOwner<cudaGraph_t> owner(graph);
  }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  GraphOwner<cudaGraph_t> end() {
    recording = nullptr;
    cudaGraph_t graph = nullptr;
    check(cudaStreamEndCapture(std::exchange(stream_, nullptr), &graph), "cudaStreamEndCapture");
    return GraphOwner<cudaGraph_t>(graph);
  }

 private:
  cudaStream_t stream_;
};

}  // namespace

void record_upload(CudaQueue queue, void* to, const void* from, std::size_t bytes) {
  const BesideCapture allocating;
  PinnedMemory kept = make_pinned(bytes);
  std::memcpy(kept.get(), from, bytes);
  check(cudaMemcpyAsync(to, kept.get(), bytes, cudaMemcpyHostToDevice, stream_of(queue)), "cudaMemcpyAsync");
  recording->sent.push_back(std::move(kept));
}

BesideCapture::BesideCapture() {
  check(cudaThreadExchangeStreamCaptureMode(&mode_), "cudaThreadExchangeStreamCaptureMode");
}

BesideCapture::~BesideCapture() {
  check_or_log(cudaThreadExchangeStreamCaptureMode(&mode_), "cudaThreadExchangeStreamCaptureMode");
}

}  // namespace cuda

bool cuda_is_recording() noexcept { return cuda::recording != nullptr; }

void ForgetCudaGraph::operator()(void* graph) const noexcept {
  const std::unique_ptr<cuda::Recorded> recorded(static_cast<cuda::Recorded*>(graph));
  try {
    if (!recorded->launched.passed()) recorded->launched.wait();
  } catch (const std::exception& error) {
    log(LogLevel::Error, error.what());
  }
}

CudaGraph cuda_record(Device device, const std::function<void()>& body) {
  require(!cuda_is_recording(), "a recording within a recording");
  const CudaQueue queue = current_cuda_queue(device);
  auto recorded = std::make_unique<cuda::Recorded>();
  cuda::Capture capture(queue, *recorded);
  body();
  const auto graph = capture.end();
  cudaGraphExec_t executable = nullptr;
  cuda::check(cudaGraphInstantiate(&executable, graph.get(), 0), "cudaGraphInstantiate");
  recorded->executable.reset(executable);
  return CudaGraph(recorded.release());
}

void cuda_launch(Device device, const CudaGraph& graph) {
  const CudaQueue queue = current_cuda_queue(device);
  const auto* const recorded = static_cast<const cuda::Recorded*>(graph.get());
  cuda::check(cudaGraphLaunch(recorded->executable.get(), cuda::stream_of(queue)), "cudaGraphLaunch");
  recorded->launched.record(queue);
}

}  // namespace isobath
