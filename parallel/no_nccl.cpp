// Linked when the build has no CUDA.

#include "parallel/nccl_communicator.hpp"

namespace isobath {

std::unique_ptr<Communicator> nccl_communicator(Communicator&, Device device, const NcclLimits&) {
  throw BackendError(text("ranks on ", device,
                          " need NCCL, but this isobath was built without CUDA; build with -DISOBATH_CUDA=real or set "
                          "device: cpu"));
}

std::string nccl_version() { return "none: this isobath was built without CUDA"; }

}  // namespace isobath
