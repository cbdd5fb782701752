#pragma once
// Graphs, made by capturing streams. Their nodes are kernels, products, copies between device and pinned memory, and
// memsets: isobath captures nothing else.

#include "tests/emulated/api/stream.hpp"
#include "tests/emulated/graphs/capture.hpp"

struct CUgraph_st;
struct CUgraphExec_st;
using cudaGraph_t = CUgraph_st*;
using cudaGraphExec_t = CUgraphExec_st*;

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
/// The graph is null where the capture was invalidated, or has streams that its origin does not wait for.
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph);
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status);
cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode);

cudaError_t cudaGraphDestroy(cudaGraph_t graph);
/// The executable graph does not need `graph` any more.
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long flags = 0);
/// Behind what the stream holds, and behind earlier launches of the same graph. Not into a stream in capture.
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream);
/// Launches that are queued still run.
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable);
