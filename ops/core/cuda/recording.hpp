#pragma once
// What the rest of ops/core/cuda has to know while the calling thread records a graph (ops/core/device_graph.hpp).

#include <cstddef>

#include <cuda_runtime.h>

#include "ops/core/queue.hpp"

namespace isobath::cuda {

/// upload() while cuda_is_recording(): the values are kept in pinned memory with the graph, and each launch copies
/// them.
void record_upload(CudaQueue queue, void* to, const void* from, std::size_t bytes);

/// Calls of this thread that a capture refuses unless told that they are no part of it, such as those that allocate.
class BesideCapture {
 public:
  BesideCapture();
  ~BesideCapture();
  BesideCapture(const BesideCapture&) = delete;
  BesideCapture& operator=(const BesideCapture&) = delete;

 private:
  cudaStreamCaptureMode mode_ = cudaStreamCaptureModeRelaxed;  // then that of before
};

}  // namespace isobath::cuda
