// Linked when the build has no CUDA: the device functions exist and say why they cannot work.

#include "ops/core/device_memory.hpp"
#include "ops/core/queue.hpp"

namespace isobath {
namespace {
[[noreturn]] void refuse(Device device) {
  throw BackendError(text("device ", device, " asked for, but ", cuda_status(), "; set device: cpu"));
}
}  // namespace

CudaQueue current_cuda_queue(Device device) { refuse(device); }
void* cuda_allocate(Device device, std::size_t) { refuse(device); }
void cuda_release(Device, void*) noexcept {}
void cuda_copy(Device device, void*, const void*, std::size_t, CopyKind) { refuse(device); }
int cuda_device_count() { return 0; }
const char* cuda_status() { return "this isobath was built without CUDA"; }

}  // namespace isobath
