#include "tests/emulated/graphs/api.hpp"

#include <utility>

#include "tests/emulated/api/handles.hpp"
#include "tests/emulated/api/waits.hpp"

using isobath::emulated::Captures;
using isobath::emulated::GraphPtr;
using isobath::emulated::Handles;
using isobath::emulated::NodePtr;
using isobath::emulated::report;
using isobath::emulated::Scheduler;
using isobath::emulated::stream_behind;
using isobath::emulated::StreamPtr;

struct CUgraph_st {
  GraphPtr graph;
};
struct CUgraphExec_st {
  GraphPtr graph;
  NodePtr launched;  // last
};

namespace {

Handles<CUgraph_st>& graphs() { return Handles<CUgraph_st>::all(); }
Handles<CUgraphExec_st>& executables() { return Handles<CUgraphExec_st>::all(); }
cudaError_t valid_if(bool good) { return report(good ? cudaSuccess : cudaErrorInvalidValue); }
bool is_mode(cudaStreamCaptureMode mode) {
  return mode >= cudaStreamCaptureModeGlobal && mode <= cudaStreamCaptureModeRelaxed;
}

}  // namespace

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  const StreamPtr queue = stream_behind(stream);
  if (!queue) return report(cudaErrorInvalidResourceHandle);
  return is_mode(mode) ? Captures::instance().begin(queue, mode) : report(cudaErrorInvalidValue);
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  *graph = nullptr;
  const StreamPtr queue = stream_behind(stream);
  if (!queue) return report(cudaErrorInvalidResourceHandle);
  GraphPtr captured;
  const cudaError_t error = Captures::instance().end(queue, captured);
  if (error == cudaSuccess) *graph = graphs().create({std::move(captured)});
  return error;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  const StreamPtr queue = stream_behind(stream);
  return queue ? Captures::instance().status(queue, *status) : report(cudaErrorInvalidResourceHandle);
}

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
  if (!is_mode(*mode)) return report(cudaErrorInvalidValue);
  *mode = Captures::exchange_mode(*mode);
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) { return valid_if(graphs().destroy(graph)); }

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long flags) {
  *executable = nullptr;
  GraphPtr captured;
  if (flags != 0 || !graphs().with(graph, [&](const CUgraph_st& it) { captured = it.graph; }))
    return report(cudaErrorInvalidValue);
  *executable = executables().create({std::move(captured), nullptr});
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  const StreamPtr queue = stream_behind(stream);
  CUgraphExec_st known{};
  if (!queue || !executables().with(executable, [&](const CUgraphExec_st& it) { known = it; }))
    return report(cudaErrorInvalidValue);
  if (const isobath::emulated::Answer answer = Captures::instance().launch(queue)) return *answer;
  isobath::emulated::note_launch();
  const NodePtr here = Scheduler::instance().submit(queue, isobath::emulated::launch_of(known.graph), known.launched);
  return valid_if(executables().with(executable, [&](CUgraphExec_st& it) { it.launched = here; }));
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) { return valid_if(executables().destroy(executable)); }
