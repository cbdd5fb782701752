#pragma once
// Work of a CUDA device that is recorded once and repeated by one call.

#include <functional>
#include <memory>

#include "ops/core/device.hpp"

namespace isobath {

struct ForgetCudaGraph {
  void operator()(void* graph) const noexcept;
};
/// What a recording left. Waits for its last launch when it goes.
using CudaGraph = std::unique_ptr<void, ForgetCudaGraph>;

/// Records what `body` gives to the calling thread's queue on `device`, and runs none of it: kernels, products, copies
/// within the device, and values that go to it. Each launch uses the addresses and the numbers that the calls had, and
/// sends again the values that went to the device; what is to differ between launches must lie in device memory. The
/// memory must stay: that of tensors made in `body` does if they come from a MemoryPool (ops/core/allocator.hpp) that
/// outlives the graph. `body` may not wait for the device, ask how far it is, or use other queues; it should have run
/// before, so that its memory and its algorithms are there. Throws BackendError in a build without CUDA, InternalError
/// for what a recording refuses, and what `body` throws; the queue is then as it was.
CudaGraph cuda_record(Device device, const std::function<void()>& body);

/// Runs the recorded work on the calling thread's queue. Costs the host one call, and no wait.
void cuda_launch(Device device, const CudaGraph& graph);

}  // namespace isobath
