#include "ops/core/cuda/lt.hpp"

#include <string>

#include "ops/core/error.hpp"
#include "ops/core/log.hpp"

namespace isobath::cuda {
namespace {

std::string words(cublasStatus_t status, const char* call) { return text(call, ": ", cublasLtGetStatusName(status)); }

}  // namespace

void check(cublasStatus_t status, const char* call) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return;
    case CUBLAS_STATUS_NOT_INITIALIZED:
      throw BackendError(text(words(status, call), "; cuBLAS cannot start: see nvidia-smi, or set device: cpu"));
    case CUBLAS_STATUS_ALLOC_FAILED:
      throw BackendError(text(words(status, call), "; use a smaller micro-batch or more devices"));
    case CUBLAS_STATUS_NOT_SUPPORTED:
    case CUBLAS_STATUS_ARCH_MISMATCH:
      throw BackendError(text(words(status, call), "; this device has no such matrix product; set device: cpu"));
    default:
      throw InternalError(words(status, call));
  }
}

// Without memory for the words the program ends here: a destructor has no other way to speak.
void check_or_log(cublasStatus_t status, const char* call) noexcept {
  if (status != CUBLAS_STATUS_SUCCESS) log(LogLevel::Error, words(status, call));
}

LtOwner<cublasLtHandle_t> make_lt_handle() {
  cublasLtHandle_t made = nullptr;
  check(cublasLtCreate(&made), "cublasLtCreate");
  return LtOwner<cublasLtHandle_t>(made);
}

LtOperation::LtOperation() {
  cublasLtMatmulDesc_t made = nullptr;
  check(cublasLtMatmulDescCreate(&made, CUBLAS_COMPUTE_32F, CUDA_R_32F), "cublasLtMatmulDescCreate");
  it_.reset(made);
}

LtLayout::LtLayout(cudaDataType_t type, std::int64_t rows, std::int64_t columns) {
  cublasLtMatrixLayout_t made = nullptr;
  check(cublasLtMatrixLayoutCreate(&made, type, static_cast<std::uint64_t>(rows), static_cast<std::uint64_t>(columns),
                                   rows),
        "cublasLtMatrixLayoutCreate");
  it_.reset(made);
}

LtPreference::LtPreference() {
  cublasLtMatmulPreference_t made = nullptr;
  check(cublasLtMatmulPreferenceCreate(&made), "cublasLtMatmulPreferenceCreate");
  it_.reset(made);
}

}  // namespace isobath::cuda
