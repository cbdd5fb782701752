#include "ops/core/cuda/check.hpp"

#include <string>

#include "ops/core/error.hpp"
#include "ops/core/log.hpp"

namespace isobath::cuda {
namespace {

std::string words(cudaError_t error, const char* call) {
  return text(call, ": ", cudaGetErrorString(error), " (", cudaGetErrorName(error), ')');
}

// What a user or an administrator can mend; everything else is a bug here.
const char* remedy(cudaError_t error) {
  switch (error) {
    case cudaErrorMemoryAllocation:
      return "the device is full; use a smaller micro-batch or more devices";
    case cudaErrorInsufficientDriver:
    case cudaErrorStubLibrary:
    case cudaErrorSystemDriverMismatch:
    case cudaErrorCompatNotSupportedOnDevice:
      return "install an NVIDIA driver that supports this CUDA version, or set device: cpu";
    case cudaErrorNoDevice:
    case cudaErrorInvalidDevice:
      return "see nvidia-smi and CUDA_VISIBLE_DEVICES, or set device: cpu";
    case cudaErrorInitializationError:
    case cudaErrorDevicesUnavailable:
    case cudaErrorSystemNotReady:
      return "the device is held by somebody else or not ready; see nvidia-smi";
    default:
      return nullptr;
  }
}

}  // namespace

void check(cudaError_t error, const char* call) {
  if (error == cudaSuccess) [[likely]]
    return;
  cudaGetLastError();  // or the next library that asks would be told of this error as if it were its own
  if (const char* help = remedy(error)) throw BackendError(text(words(error, call), "; ", help));
  throw InternalError(words(error, call));
}

// Without memory for the words the program ends here: a destructor has no other way to speak.
void check_or_log(cudaError_t error, const char* call) noexcept {
  if (error != cudaSuccess) log(LogLevel::Error, words(error, call));
}

}  // namespace isobath::cuda
