#pragma once
// What the opaque descriptors hold.

#include "tests/emulated/api/handles.hpp"
#include "tests/emulated/cublaslt/cublaslt.hpp"

struct cublasLtContext {};

struct cublasLtMatmulDescOpaque_t {
  cublasComputeType_t compute;
  cudaDataType_t scale;
  cublasOperation_t op_a = CUBLAS_OP_N, op_b = CUBLAS_OP_N;
  cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  const void* bias = nullptr;
  std::int32_t bias_type = -1;  // that of D
};

struct cublasLtMatrixLayoutOpaque_t {
  cudaDataType_t type;
  std::uint64_t rows, columns;
  std::int64_t leading;
  cublasLtOrder_t order = CUBLASLT_ORDER_COL;

  bool operator==(const cublasLtMatrixLayoutOpaque_t&) const = default;
};

struct cublasLtMatmulPreferenceOpaque_t {
  std::uint64_t workspace = 0;
  std::uint32_t alignment[4] = {256, 256, 256, 256};  // of A, B, C, D in bytes
};

namespace isobath::emulated {

/// A copy of what a handle stands for; null for a handle that is none.
template <class T>
std::unique_ptr<T> copy_of(T* handle) {
  std::unique_ptr<T> out;
  Handles<T>::all().with(handle, [&](const T& it) { out = std::make_unique<T>(it); });
  return out;
}

}  // namespace isobath::emulated
