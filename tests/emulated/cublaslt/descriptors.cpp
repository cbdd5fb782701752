#include "tests/emulated/cublaslt/descriptors.hpp"

#include <cstring>

namespace {

using isobath::emulated::Handles;

template <class T>
Handles<T>& all() {
  return Handles<T>::all();
}

template <class T>
cublasStatus_t destroy(T* handle) {
  return all<T>().destroy(handle) ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}

// Copies an attribute's value if its size is right.
template <class T>
bool set(T& field, const void* value, std::size_t bytes) {
  if (value == nullptr || bytes != sizeof(field)) return false;
  std::memcpy(&field, value, bytes);
  return true;
}

cublasStatus_t valid_if(bool good) { return good ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE; }

bool set_field(cublasLtMatmulDescOpaque_t& it, cublasLtMatmulDescAttributes_t attribute, const void* value,
               std::size_t bytes) {
  switch (attribute) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
      return set(it.op_a, value, bytes);
    case CUBLASLT_MATMUL_DESC_TRANSB:
      return set(it.op_b, value, bytes);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
      return set(it.epilogue, value, bytes);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
      return set(it.bias, value, bytes);
    case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE:
      return set(it.bias_type, value, bytes);
  }
  return false;
}

}  // namespace

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  *handle = all<cublasLtContext>().create({});
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  return all<cublasLtContext>().destroy(handle) ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_INITIALIZED;
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* made, cublasComputeType_t compute, cudaDataType_t scale) {
  *made = all<cublasLtMatmulDescOpaque_t>().create({compute, scale});
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t operation) { return destroy(operation); }

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t operation, cublasLtMatmulDescAttributes_t attribute,
                                              const void* value, std::size_t bytes) {
  bool good = false;
  all<cublasLtMatmulDescOpaque_t>().with(
      operation, [&](cublasLtMatmulDescOpaque_t& it) { good = set_field(it, attribute, value, bytes); });
  return valid_if(good);
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* made, cudaDataType_t type, std::uint64_t rows,
                                          std::uint64_t columns, std::int64_t leading) {
  *made = all<cublasLtMatrixLayoutOpaque_t>().create({type, rows, columns, leading});
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) { return destroy(layout); }

cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout,
                                                cublasLtMatrixLayoutAttribute_t attribute, const void* value,
                                                std::size_t bytes) {
  bool good = false;
  all<cublasLtMatrixLayoutOpaque_t>().with(layout, [&](cublasLtMatrixLayoutOpaque_t& it) {
    good = attribute == CUBLASLT_MATRIX_LAYOUT_ORDER && set(it.order, value, bytes);
  });
  return valid_if(good);
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* made) {
  *made = all<cublasLtMatmulPreferenceOpaque_t>().create({});
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) { return destroy(preference); }

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t attribute, const void* value,
                                                    std::size_t bytes) {
  bool good = false;
  all<cublasLtMatmulPreferenceOpaque_t>().with(preference, [&](cublasLtMatmulPreferenceOpaque_t& it) {
    const int operand = attribute - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES;
    if (attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES) good = set(it.workspace, value, bytes);
    if (operand >= 0 && operand < 4) good = set(it.alignment[operand], value, bytes);
  });
  return valid_if(good);
}

const char* cublasLtGetStatusName(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED:
      return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_ARCH_MISMATCH:
      return "CUBLAS_STATUS_ARCH_MISMATCH";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "CUBLAS_STATUS_EXECUTION_FAILED";
    case CUBLAS_STATUS_INTERNAL_ERROR:
      return "CUBLAS_STATUS_INTERNAL_ERROR";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "CUBLAS_STATUS_NOT_SUPPORTED";
  }
  return "<unknown>";
}

const char* cublasLtGetStatusString(cublasStatus_t status) { return cublasLtGetStatusName(status); }
