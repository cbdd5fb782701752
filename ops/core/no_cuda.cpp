// Linked when the build has no CUDA: the device functions exist and say why they cannot work.

#include "ops/core/cuda_report.hpp"
#include "ops/core/device_clock.hpp"
#include "ops/core/device_graph.hpp"
#include "ops/core/device_memory.hpp"
#include "ops/core/queue.hpp"

namespace isobath {
namespace {
[[noreturn]] void refuse(Device device) {
  throw BackendError(text("device ", device, " asked for, but ", cuda_status(), "; set device: cpu"));
}
[[noreturn]] void refuse() { refuse(Device::cuda(0)); }
}  // namespace

CudaQueue current_cuda_queue(Device device) { refuse(device); }
bool cuda_is_recording() noexcept { return false; }
void ForgetCudaGraph::operator()(void*) const noexcept {}
CudaGraph cuda_record(Device device, const std::function<void()>&) { refuse(device); }
void cuda_launch(Device device, const CudaGraph&) { refuse(device); }
void* cuda_allocate(CudaQueue, std::size_t) { refuse(); }
void cuda_release(CudaQueue, void*) noexcept {}
void cuda_release_waiting(Device, void*) noexcept {}
void ForgetCudaMark::operator()(void*) const noexcept {}
CudaMark cuda_mark(Device device, CudaQueue) { refuse(device); }
void cuda_order(const CudaMark&, CudaQueue) { refuse(); }
void cuda_copy(Device device, void*, const void*, std::size_t, CopyKind) { refuse(device); }
CudaMark cuda_timed_mark(Device device) { refuse(device); }
double cuda_seconds(const CudaMark&, const CudaMark&) { refuse(); }
void cuda_wait(Device device) { refuse(device); }
void cuda_set_zero(Device device, void*, std::size_t) { refuse(device); }
std::string cuda_device_name(Device device) { refuse(device); }
int cuda_device_count() { return 0; }
const char* cuda_status() { return "this isobath was built without CUDA"; }
CudaReport cuda_report() {
  return {"unknown: this isobath was built without CUDA", "none: this isobath was built without CUDA", {}};
}

}  // namespace isobath
