#pragma once
// cuDNN's handle with one owner, and its errors as exceptions. Compiled where the build has cuDNN.

#include <memory>
#include <type_traits>

#include <cudnn.h>

namespace isobath::cuda {

/// Throws unless `status` is CUDNN_STATUS_SUCCESS: BackendError when the library cannot work here, InternalError for a
/// mistake of ours. `call` is the name of the function that returned it.
void check(cudnnStatus_t status, const char* call);
/// The same for destructors: one line in the log instead of an exception.
void check_or_log(cudnnStatus_t status, const char* call) noexcept;

struct DestroyCudnn {
  void operator()(cudnnHandle_t it) const noexcept { check_or_log(cudnnDestroy(it), "cudnnDestroy"); }
};

using CudnnHandle = std::unique_ptr<std::remove_pointer_t<cudnnHandle_t>, DestroyCudnn>;

/// On the current device.
CudnnHandle make_cudnn_handle();

}  // namespace isobath::cuda
