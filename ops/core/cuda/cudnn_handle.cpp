#include "ops/core/cuda/cudnn_handle.hpp"

#include <string>

#include "ops/core/error.hpp"
#include "ops/core/log.hpp"

namespace isobath::cuda {
namespace {

std::string words(cudnnStatus_t status, const char* call) { return text(call, ": ", cudnnGetErrorString(status)); }

}  // namespace

void check(cudnnStatus_t status, const char* call) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  const int category = CUDNN_STATUS_CATEGORY(static_cast<int>(status));
  if (category == CUDNN_STATUS_CATEGORY(CUDNN_STATUS_NOT_INITIALIZED))
    throw BackendError(text(words(status, call), "; cuDNN cannot start: see nvidia-smi, or set system.attention: own"));
  if (category == CUDNN_STATUS_NOT_SUPPORTED)
    throw BackendError(text(words(status, call), "; set system.attention: own"));
  throw InternalError(words(status, call));
}

// Without memory for the words the program ends here: a destructor has no other way to speak.
void check_or_log(cudnnStatus_t status, const char* call) noexcept {
  if (status != CUDNN_STATUS_SUCCESS) log(LogLevel::Error, words(status, call));
}

CudnnHandle make_cudnn_handle() {
  cudnnHandle_t made = nullptr;
  check(cudnnCreate(&made), "cudnnCreate");
  return CudnnHandle(made);
}

}  // namespace isobath::cuda
