#pragma once
// Errors of the CUDA runtime become exceptions that name the call.

#include <cuda_runtime.h>

namespace isobath::cuda {

/// Throws unless `error` is cudaSuccess: BackendError when device or driver cannot be used, or are out of memory;
/// InternalError for a mistake of ours. `call` is the name of the function that returned it, with what it was for.
void check(cudaError_t error, const char* call);

/// The same for destructors: one line in the log instead of an exception.
void check_or_log(cudaError_t error, const char* call) noexcept;

}  // namespace isobath::cuda
