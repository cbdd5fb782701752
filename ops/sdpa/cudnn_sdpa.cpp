#include <map>
#include <unordered_map>

#include <cudnn_frontend.h>

#include "ops/core/allocator.hpp"
#include "ops/core/cuda/cudnn_handle.hpp"
#include "ops/core/cuda/stream.hpp"
#include "ops/sdpa/cudnn_graph.hpp"

namespace isobath {
namespace kernel {
namespace {

namespace fe = cudnn_frontend;

enum class Direction { Forward, Backward };

std::string words(const SdpaExtents& e) {
  return text(e.batch, " sequences of ", e.length, " rows, ", e.heads, " heads over ", e.key_heads, ", of ", e.width,
              " columns");
}

/// A graph that cuDNN has chosen a kernel for.
struct Plan {
  SdpaGraph graph;
  std::size_t workspace = 0;  // bytes
};

Plan make_plan(cudnnHandle_t handle, Direction direction, const SdpaExtents& extents) {
  Plan plan{direction == Direction::Forward ? sdpa_graph(extents) : sdpa_backward_graph(extents)};
  const auto check = [&](const fe::error_t& error) {
    if (error.is_good()) return;
    throw BackendError(text("cuDNN ", cudnn_version(), " has no attention for ", words(extents),
                            direction == Direction::Forward ? ", forward: " : ", backward: ", error.err_msg,
                            "; set system.attention: own"));
  };
  check(plan.graph->build(handle, {fe::HeurMode_t::A}));
  std::int64_t bytes = 0;
  check(plan.graph->get_workspace_size(bytes));
  plan.workspace = static_cast<std::size_t>(bytes);
  return plan;
}

// The library as one thread sees it on one device. A plan is asked for once: that takes the host a good part of a
// second, and equal extents get equal bits.
class Library {
 public:
  cudnnHandle_t handle() const { return handle_.get(); }

  const Plan& plan(Direction direction, const SdpaExtents& extents) {
    const std::pair key(direction, extents);
    if (const auto found = plans_.find(key); found != plans_.end()) return found->second;
    return plans_.emplace(key, make_plan(handle(), direction, extents)).first->second;
  }

 private:
  cuda::CudnnHandle handle_ = cuda::make_cudnn_handle();
  std::map<std::pair<Direction, SdpaExtents>, Plan> plans_;
};

Library& library_on(Device device) {
  thread_local std::map<int, Library> libraries;
  return libraries[device.index];
}

/// The memory behind each operand. cuDNN takes all of it as writable.
class Memory {
 public:
  void set(SdpaOperand operand, const void* data) {
    require(reinterpret_cast<std::uintptr_t>(data) % 16 == 0, "attention by cuDNN: operand ",
            static_cast<std::int64_t>(operand), " is not aligned to 16 bytes");
    of_[static_cast<std::int64_t>(operand)] = const_cast<void*>(data);
  }
  std::unordered_map<std::int64_t, void*>& of() { return of_; }

 private:
  std::unordered_map<std::int64_t, void*> of_;
};

void run(CudaQueue queue, Direction direction, const SdpaExtents& extents, Memory memory) {
  const Device device = cuda::current_device();
  Library& library = library_on(device);
  const Plan& plan = library.plan(direction, extents);
  cuda::check(cudnnSetStream(library.handle(), cuda::stream_of(queue)), "cudnnSetStream");
  const Block workspace(device, plan.workspace);
  const fe::error_t error = plan.graph->execute(library.handle(), memory.of(), workspace.data());
  require(error.is_good(), "attention by cuDNN, ", words(extents), ": ", error.err_msg);
}

Memory inputs_of(const SdpaInputs& in) {
  Memory memory;
  memory.set(SdpaOperand::Q, in.q);
  memory.set(SdpaOperand::K, in.k);
  memory.set(SdpaOperand::V, in.v);
  return memory;
}

}  // namespace

void sdpa(CudaQueue queue, const SdpaExtents& extents, const SdpaInputs& in, bfloat16* out, float* log_sum) {
  Memory memory = inputs_of(in);
  memory.set(SdpaOperand::Out, out);
  memory.set(SdpaOperand::LogSum, log_sum);
  run(queue, Direction::Forward, extents, std::move(memory));
}

void sdpa_backward(CudaQueue queue, const SdpaExtents& extents, const SdpaInputs& in, const SdpaResult& result,
                   const bfloat16* grad_out, const SdpaGrads& grads) {
  Memory memory = inputs_of(in);
  memory.set(SdpaOperand::Out, result.out);
  memory.set(SdpaOperand::LogSum, result.log_sum);
  memory.set(SdpaOperand::GradOut, grad_out);
  memory.set(SdpaOperand::GradQ, grads.q);
  memory.set(SdpaOperand::GradK, grads.k);
  memory.set(SdpaOperand::GradV, grads.v);
  run(queue, Direction::Backward, extents, std::move(memory));
}

}  // namespace kernel

bool has_cudnn() { return true; }

std::string cudnn_version() {
  const std::size_t version = cudnnGetVersion();
  return text(version / 10000, '.', version / 100 % 100, '.', version % 100);
}

}  // namespace isobath
