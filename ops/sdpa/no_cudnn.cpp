// Linked when the build has no cuDNN.

#include "ops/sdpa/sdpa.hpp"

namespace isobath {
namespace {
[[noreturn]] void refuse() {
  throw BackendError(
      "attention by cuDNN asked for, but this isobath was built without it; set system.attention: own, or build with "
      "-DISOBATH_CUDA=real where cuDNN and the headers of cudnn-frontend are found");
}
}  // namespace

bool has_cudnn() { return false; }
std::string cudnn_version() { return "none: this isobath was built without cuDNN"; }

namespace kernel {
void sdpa(CudaQueue, const SdpaExtents&, const SdpaInputs&, bfloat16*, float*) { refuse(); }
void sdpa_backward(CudaQueue, const SdpaExtents&, const SdpaInputs&, const SdpaResult&, const bfloat16*,
                   const SdpaGrads&) {
  refuse();
}
}  // namespace kernel

}  // namespace isobath
