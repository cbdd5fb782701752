// The stand-in for cuBLASLt: what it computes, when, and what it refuses (tests/emulated/refusals.md).

#include <cublasLt.h>

#include "ops/core/dtype.hpp"
#include "tests/emulated/checks/stream_harness.hpp"

namespace isobath::emulated {
namespace {

constexpr std::uint64_t kM = 3, kN = 4, kK = 5;

/// A product of small integers, column-major: D [3, 4] = A [3, 5] B [5, 4].
class CublasLt : public testing::Test {
 protected:
  CublasLt() {
    EXPECT_EQ(cublasLtCreate(&handle_), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(cublasLtMatmulDescCreate(&operation_, CUBLAS_COMPUTE_32F, CUDA_R_32F), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(cublasLtMatmulPreferenceCreate(&preference_), CUBLAS_STATUS_SUCCESS);
    a_layout_ = layout(kM, kK), b_layout_ = layout(kK, kN), d_layout_ = layout(kM, kN);
    std::vector<float> a, b;
    for (std::uint64_t i = 0; i < kM * kK; ++i) a.push_back(static_cast<float>(i % 7) - 3.0F);
    for (std::uint64_t i = 0; i < kK * kN; ++i) b.push_back(static_cast<float>(i % 5) - 2.0F);
    a_.write(a), b_.write(b), d_.write(std::vector<float>(kM * kN, 1.0F)), bias_.write({10, 20, 30});
    for (std::uint64_t column = 0; column < kN; ++column)
      for (std::uint64_t row = 0; row < kM; ++row) {
        want_.push_back(0.0F);
        for (std::uint64_t k = 0; k < kK; ++k) want_.back() += a[row + k * kM] * b[k + column * kK];
      }
  }
  ~CublasLt() override {
    test::finish();
    cublasLtDestroy(handle_);
    cublasLtMatmulDescDestroy(operation_);
    cublasLtMatmulPreferenceDestroy(preference_);
    for (const cublasLtMatrixLayout_t made : layouts_) cublasLtMatrixLayoutDestroy(made);
  }

  cublasLtMatrixLayout_t layout(std::uint64_t rows, std::uint64_t columns, std::int64_t leading = 0,
                                cudaDataType_t type = CUDA_R_32F) {
    cublasLtMatrixLayout_t made = nullptr;
    const std::int64_t dense = static_cast<std::int64_t>(rows);
    EXPECT_EQ(cublasLtMatrixLayoutCreate(&made, type, rows, columns, leading == 0 ? dense : leading),
              CUBLAS_STATUS_SUCCESS);
    layouts_.push_back(made);
    return made;
  }

  template <class T>
  void set(cublasLtMatmulDescAttributes_t attribute, T value) {
    EXPECT_EQ(cublasLtMatmulDescSetAttribute(operation_, attribute, &value, sizeof(value)), CUBLAS_STATUS_SUCCESS);
  }

  cublasStatus_t multiply(float beta = 0.0F, const cublasLtMatmulAlgo_t* algorithm = nullptr) {
    const float alpha = 1.0F;
    return cublasLtMatmul(handle_, operation_, &alpha, a_data_, a_layout_, b_.data(), b_layout_, &beta, d_.data(),
                          c_layout_ == nullptr ? d_layout_ : c_layout_, d_.data(), d_layout_, algorithm, workspace_,
                          workspace_bytes_, cuda::stream_of(test::queue()));
  }

  cublasStatus_t ask(cublasLtMatmulHeuristicResult_t& result) {
    int found = 0;
    return cublasLtMatmulAlgoGetHeuristic(handle_, operation_, a_layout_, b_layout_, d_layout_, d_layout_, preference_,
                                          1, &result, &found);
  }

  const test::DeviceArray<float> a_{kM * kK}, b_{kK * kN}, d_{kM * kN}, bias_{kM}, spare_{1024};
  std::vector<float> want_;
  const float* a_data_ = a_.data();
  void* workspace_ = nullptr;
  std::size_t workspace_bytes_ = 0;
  cublasLtHandle_t handle_ = nullptr;
  cublasLtMatmulDesc_t operation_ = nullptr;
  cublasLtMatmulPreference_t preference_ = nullptr;
  cublasLtMatrixLayout_t a_layout_ = nullptr, b_layout_ = nullptr, c_layout_ = nullptr, d_layout_ = nullptr;
  std::vector<cublasLtMatrixLayout_t> layouts_;
};

TEST_F(CublasLt, MultipliesAndAdds) {
  ASSERT_EQ(multiply(), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(d_.read(), want_);
  ASSERT_EQ(multiply(2.0F), CUBLAS_STATUS_SUCCESS);
  for (float& value : want_) value *= 3.0F;
  EXPECT_EQ(d_.read(), want_);
}

TEST_F(CublasLt, AddsABiasToEachColumn) {
  set(CUBLASLT_MATMUL_DESC_EPILOGUE, std::uint32_t{CUBLASLT_EPILOGUE_BIAS});
  set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, static_cast<const void*>(bias_.data()));
  ASSERT_EQ(multiply(), CUBLAS_STATUS_SUCCESS);
  for (std::size_t i = 0; i < want_.size(); ++i) want_[i] += 10.0F * static_cast<float>(i % kM + 1);
  EXPECT_EQ(d_.read(), want_);
}

TEST_F(CublasLt, ReadsRowsAndTransposes) {
  const auto order = CUBLASLT_ORDER_ROW;
  a_layout_ = layout(kK, kM, static_cast<std::int64_t>(kM));  // the same bytes by rows are the transpose
  ASSERT_EQ(cublasLtMatrixLayoutSetAttribute(a_layout_, CUBLASLT_MATRIX_LAYOUT_ORDER, &order, sizeof(order)),
            CUBLAS_STATUS_SUCCESS);
  set(CUBLASLT_MATMUL_DESC_TRANSA, std::int32_t{CUBLAS_OP_T});
  ASSERT_EQ(multiply(), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(d_.read(), want_);
}

TEST_F(CublasLt, RoundsToBf16Once) {
  const test::DeviceArray<bfloat16> one(1), narrow(1);
  const test::DeviceArray<float> wide(1);
  one.write({bfloat16(1.0078125F)});  // its square, 1 + 2^-6 + 2^-14, is no bf16
  const cublasLtMatrixLayout_t in = layout(1, 1, 1, CUDA_R_16BF), out = layout(1, 1);
  const auto square = [&](cublasLtMatrixLayout_t result, void* to) {
    const float alpha = 1.0F, beta = 0.0F;
    return cublasLtMatmul(handle_, operation_, &alpha, one.data(), in, one.data(), in, &beta, to, result, to, result,
                          nullptr, nullptr, 0, cuda::stream_of(test::queue()));
  };
  const float value = static_cast<float>(one.read()[0]);
  ASSERT_EQ(square(out, wide.data()), CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(square(in, narrow.data()), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(value, 1.0078125F);
  EXPECT_EQ(wide.read()[0], value * value);
  EXPECT_EQ(static_cast<float>(narrow.read()[0]), static_cast<float>(bfloat16(value * value)));
}

TEST_F(CublasLt, WaitsInItsStream) {
  const test::ScheduleScope scope({ScheduleKind::Late});
  void* operand = nullptr;
  ASSERT_EQ(cudaMalloc(&operand, kM * kK * sizeof(float)), cudaSuccess);
  ASSERT_EQ(cudaMemcpy(operand, a_.data(), kM * kK * sizeof(float), cudaMemcpyDeviceToDevice), cudaSuccess);
  test::finish();
  a_data_ = static_cast<const float*>(operand);
  ASSERT_EQ(multiply(), CUBLAS_STATUS_SUCCESS);
  EXPECT_THROW(cudaFree(operand), Fault);
  EXPECT_EQ(d_.read(), want_);
  EXPECT_EQ(cudaFree(operand), cudaSuccess);
}

TEST_F(CublasLt, TheWorkspaceIsOverwritten) {
  spare_.write(std::vector<float>(1024, 1.0F));
  workspace_ = spare_.data(), workspace_bytes_ = 4096;
  ASSERT_EQ(multiply(), CUBLAS_STATUS_SUCCESS);
  EXPECT_NE(spare_.read()[0], 1.0F);
  EXPECT_EQ(d_.read(), want_);
}

TEST_F(CublasLt, RefusesWhatIsGone) {
  cublasLtHandle_t gone = nullptr;
  ASSERT_EQ(cublasLtCreate(&gone), CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(cublasLtDestroy(gone), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(cublasLtDestroy(gone), CUBLAS_STATUS_NOT_INITIALIZED);
  std::swap(gone, handle_);
  EXPECT_EQ(multiply(), CUBLAS_STATUS_NOT_INITIALIZED);
  std::swap(gone, handle_);
  const cublasLtMatrixLayout_t layout_gone = layouts_.back();
  ASSERT_EQ(cublasLtMatrixLayoutDestroy(layout_gone), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(cublasLtMatrixLayoutDestroy(layout_gone), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(multiply(), CUBLAS_STATUS_INVALID_VALUE);
  layouts_.pop_back();
}

TEST_F(CublasLt, RefusesAttributesOfTheWrongSize) {
  const std::int64_t wide = CUBLAS_OP_T;
  EXPECT_EQ(cublasLtMatmulDescSetAttribute(operation_, CUBLASLT_MATMUL_DESC_TRANSA, &wide, sizeof(wide)),
            CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(cublasLtMatmulDescSetAttribute(operation_, CUBLASLT_MATMUL_DESC_TRANSA, nullptr, 4),
            CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(cublasLtMatmulPreferenceSetAttribute(preference_, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &wide, 4),
            CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(cublasLtMatrixLayoutSetAttribute(a_layout_, CUBLASLT_MATRIX_LAYOUT_ORDER, &wide, 8),
            CUBLAS_STATUS_INVALID_VALUE);
}

TEST_F(CublasLt, RefusesExtentsThatDoNotFit) {
  const cublasLtMatrixLayout_t right = b_layout_;
  for (const cublasLtMatrixLayout_t wrong : {layout(kK + 1, kN), layout(kK, kN + 1), layout(kK, kN, 4), layout(0, 0)}) {
    b_layout_ = wrong;
    EXPECT_EQ(multiply(), CUBLAS_STATUS_INVALID_VALUE);
  }
  b_layout_ = right;
  set(CUBLASLT_MATMUL_DESC_TRANSA, std::int32_t{CUBLAS_OP_T});
  EXPECT_EQ(multiply(), CUBLAS_STATUS_INVALID_VALUE);
}

TEST_F(CublasLt, RefusesTypesThatAreNotInTheTables) {
  const cublasLtMatrixLayout_t right = d_layout_;
  d_layout_ = layout(kM, kN, 0, CUDA_R_16BF);
  EXPECT_EQ(multiply(), CUBLAS_STATUS_NOT_SUPPORTED);
  d_layout_ = right;
  set(CUBLASLT_MATMUL_DESC_EPILOGUE, std::uint32_t{CUBLASLT_EPILOGUE_RELU});
  EXPECT_EQ(multiply(), CUBLAS_STATUS_NOT_SUPPORTED);
  set(CUBLASLT_MATMUL_DESC_EPILOGUE, std::uint32_t{CUBLASLT_EPILOGUE_BIAS});
  EXPECT_EQ(multiply(), CUBLAS_STATUS_INVALID_VALUE);  // no bias
  set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, static_cast<const void*>(bias_.data()));
  set(CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, std::int32_t{CUDA_R_16BF});
  EXPECT_EQ(multiply(), CUBLAS_STATUS_NOT_SUPPORTED);
}

TEST_F(CublasLt, RefusesAnAlgorithmOfAnotherProblem) {
  cublasLtMatmulHeuristicResult_t result{};
  EXPECT_EQ(multiply(0.0F, &result.algo), CUBLAS_STATUS_INVALID_VALUE);
  ASSERT_EQ(ask(result), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(multiply(0.0F, &result.algo), CUBLAS_STATUS_SUCCESS);
  a_data_ = spare_.data() + 1;
  EXPECT_EQ(multiply(0.0F, &result.algo), CUBLAS_STATUS_INVALID_VALUE);
  a_data_ = a_.data();
  const std::uint64_t most = 4096;
  ASSERT_EQ(cublasLtMatmulPreferenceSetAttribute(preference_, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &most, 8),
            CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(ask(result), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(multiply(0.0F, &result.algo), CUBLAS_STATUS_INVALID_VALUE);
  workspace_ = spare_.data(), workspace_bytes_ = result.workspaceSize;
  EXPECT_EQ(multiply(0.0F, &result.algo), CUBLAS_STATUS_SUCCESS);
  set(CUBLASLT_MATMUL_DESC_EPILOGUE, std::uint32_t{CUBLASLT_EPILOGUE_BIAS});
  set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, static_cast<const void*>(bias_.data()));
  EXPECT_EQ(multiply(0.0F, &result.algo), CUBLAS_STATUS_INVALID_VALUE);
}

TEST_F(CublasLt, RefusesAWorkspaceThatIsNotAligned) {
  workspace_ = spare_.data() + 1, workspace_bytes_ = 64;
  EXPECT_EQ(multiply(), CUBLAS_STATUS_INVALID_VALUE);
}

TEST_F(CublasLt, RefusesAnInPlaceResultWithTwoLayouts) {
  c_layout_ = layout(kM, kN, 8);
  EXPECT_EQ(multiply(1.0F), CUBLAS_STATUS_INVALID_VALUE);
}

TEST_F(CublasLt, FaultsOperandsOutsideDeviceMemory) {
  const std::vector<float> host(kM * kK);
  a_data_ = host.data();
  EXPECT_THROW(multiply(), Fault);
  a_data_ = a_.data() + 1;
  EXPECT_THROW(multiply(), Fault);
  a_data_ = a_.data();
  workspace_ = spare_.data(), workspace_bytes_ = 5000;
  EXPECT_THROW(multiply(), Fault);
}

}  // namespace
}  // namespace isobath::emulated
