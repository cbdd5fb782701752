#pragma once
// cuBLASLt's handles with one owner each, and its errors as exceptions. For ops/core/cuda/*.cpp.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>

#include <cublasLt.h>

namespace isobath::cuda {

/// Throws unless `status` is CUBLAS_STATUS_SUCCESS: BackendError when the library cannot work here, InternalError for a
/// mistake of ours. `call` is the name of the function that returned it.
void check(cublasStatus_t status, const char* call);
/// The same for destructors: one line in the log instead of an exception.
void check_or_log(cublasStatus_t status, const char* call) noexcept;

struct DestroyLt {
  void operator()(cublasLtHandle_t it) const noexcept { check_or_log(cublasLtDestroy(it), "cublasLtDestroy"); }
  void operator()(cublasLtMatmulDesc_t it) const noexcept {
    check_or_log(cublasLtMatmulDescDestroy(it), "cublasLtMatmulDescDestroy");
  }
  void operator()(cublasLtMatrixLayout_t it) const noexcept {
    check_or_log(cublasLtMatrixLayoutDestroy(it), "cublasLtMatrixLayoutDestroy");
  }
  void operator()(cublasLtMatmulPreference_t it) const noexcept {
    check_or_log(cublasLtMatmulPreferenceDestroy(it), "cublasLtMatmulPreferenceDestroy");
  }
};

template <class Handle>
using LtOwner = std::unique_ptr<std::remove_pointer_t<Handle>, DestroyLt>;

LtOwner<cublasLtHandle_t> make_lt_handle();

/// A product with sums in f32.
class LtOperation {
 public:
  LtOperation();
  template <class T>
  void set(cublasLtMatmulDescAttributes_t attribute, const T& value) {
    check(cublasLtMatmulDescSetAttribute(it_.get(), attribute, &value, sizeof(value)),
          "cublasLtMatmulDescSetAttribute");
  }
  cublasLtMatmulDesc_t get() const { return it_.get(); }

 private:
  LtOwner<cublasLtMatmulDesc_t> it_;
};

/// A dense column-major matrix.
class LtLayout {
 public:
  LtLayout(cudaDataType_t type, std::int64_t rows, std::int64_t columns);
  cublasLtMatrixLayout_t get() const { return it_.get(); }

 private:
  LtOwner<cublasLtMatrixLayout_t> it_;
};

class LtPreference {
 public:
  LtPreference();
  template <class T>
  void set(cublasLtMatmulPreferenceAttributes_t attribute, const T& value) {
    check(cublasLtMatmulPreferenceSetAttribute(it_.get(), attribute, &value, sizeof(value)),
          "cublasLtMatmulPreferenceSetAttribute");
  }
  cublasLtMatmulPreference_t get() const { return it_.get(); }

 private:
  LtOwner<cublasLtMatmulPreference_t> it_;
};

}  // namespace isobath::cuda
