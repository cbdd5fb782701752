#include "ops/core/cuda/matmul.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "ops/core/allocator.hpp"
#include "ops/core/cuda/check.hpp"
#include "ops/core/cuda/lt.hpp"
#include "ops/core/cuda/stream.hpp"
#include "ops/core/error.hpp"

namespace isobath::cuda {
namespace {

// What NVIDIA recommends for Hopper; smaller devices have algorithms that ask for less.
constexpr std::uint64_t kMostWorkspace = std::uint64_t{32} << 20;

// The library sees columns where we have rows: a row-major matrix is the transpose of a column-major one. So it is
// asked for out^T = b^T a^T, and its A is our b.
struct Problem {
  std::int64_t rows, columns, inner;  // of out
  const MatmulFactor &a, &b;
  const MatmulResult& out;

  const void* pointer(int operand) const { return operand == 0 ? b.data : operand == 1 ? a.data : out.data; }
};

std::int64_t rows_of(const MatmulFactor& it) { return it.transpose == Transpose::No ? it.rows : it.columns; }
std::int64_t columns_of(const MatmulFactor& it) { return it.transpose == Transpose::No ? it.columns : it.rows; }

Problem problem_of(const MatmulFactor& a, const MatmulFactor& b, const MatmulResult& out) {
  require(rows_of(a) == out.rows && columns_of(b) == out.columns && columns_of(a) == rows_of(b) && a.dtype == b.dtype &&
              (out.dtype == a.dtype || out.dtype == DType::F32) && (out.bias == nullptr || out.dtype == DType::F32),
          "matmul: [", rows_of(a), ", ", columns_of(a), "] ", name_of(a.dtype), " times [", rows_of(b), ", ",
          columns_of(b), "] ", name_of(b.dtype), " into [", out.rows, ", ", out.columns, "] ", name_of(out.dtype));
  return {out.rows, out.columns, columns_of(a), a, b, out};
}

cudaDataType_t type_of(DType dtype) { return dtype == DType::F32 ? CUDA_R_32F : CUDA_R_16BF; }

std::int32_t operation_of(const MatmulFactor& it) { return it.transpose == Transpose::No ? CUBLAS_OP_N : CUBLAS_OP_T; }

struct Descriptors {
  LtOperation operation;
  LtLayout a, b, out;

  explicit Descriptors(const Problem& problem)
      : a(type_of(problem.b.dtype), problem.b.columns, problem.b.rows),
        b(type_of(problem.a.dtype), problem.a.columns, problem.a.rows),
        out(type_of(problem.out.dtype), problem.out.columns, problem.out.rows) {
    operation.set(CUBLASLT_MATMUL_DESC_TRANSA, operation_of(problem.b));
    operation.set(CUBLASLT_MATMUL_DESC_TRANSB, operation_of(problem.a));
    if (problem.out.bias == nullptr) return;
    const std::uint32_t epilogue = CUBLASLT_EPILOGUE_BIAS;
    operation.set(CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue);
    operation.set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, problem.out.bias);
  }
};

// The largest power of two up to 256 that divides an address.
std::uint32_t alignment_of(const void* data) {
  constexpr std::uintptr_t kMost = 256;
  const auto address = reinterpret_cast<std::uintptr_t>(data) | kMost;
  return static_cast<std::uint32_t>(address & (~address + 1));
}

struct Choice {
  cublasLtMatmulAlgo_t algorithm;
  std::size_t workspace;
};

Choice ask(cublasLtHandle_t handle, const Problem& problem, const Descriptors& with) {
  LtPreference preference;
  preference.set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, kMostWorkspace);
  preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment_of(problem.pointer(0)));
  preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment_of(problem.pointer(1)));
  preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment_of(problem.pointer(2)));
  preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment_of(problem.pointer(2)));
  cublasLtMatmulHeuristicResult_t result{};
  int found = 0;
  check(cublasLtMatmulAlgoGetHeuristic(handle, with.operation.get(), with.a.get(), with.b.get(), with.out.get(),
                                       with.out.get(), preference.get(), 1, &result, &found),
        "cublasLtMatmulAlgoGetHeuristic");
  check(found == 0 ? CUBLAS_STATUS_NOT_SUPPORTED : result.state, "cublasLtMatmulAlgoGetHeuristic");
  return {result.algo, result.workspaceSize};
}

// The library as one thread sees it on one device. Its choice for a problem is asked for once, so that equal problems
// get equal bits and the question's cost is paid once.
class Library {
 public:
  cublasLtHandle_t handle() const { return handle_.get(); }

  const Choice& choice(const Problem& problem, const Descriptors& with) {
    const Key key = key_of(problem);
    if (const auto found = choices_.find(key); found != choices_.end()) return found->second;
    if (choices_.size() >= kMostChoices) choices_.clear();  // ragged routes have ever new extents
    return choices_.emplace(key, ask(handle(), problem, with)).first->second;
  }

 private:
  using Key = std::array<std::int64_t, 11>;
  static constexpr std::size_t kMostChoices = 4096;

  static Key key_of(const Problem& p) {
    Key key{p.rows,
            p.columns,
            p.inner,
            static_cast<std::int64_t>(p.a.transpose),
            static_cast<std::int64_t>(p.b.transpose),
            static_cast<std::int64_t>(p.a.dtype),
            static_cast<std::int64_t>(p.out.dtype),
            p.out.bias != nullptr};
    for (int operand = 0; operand < 3; ++operand)
      key[static_cast<std::size_t>(8 + operand)] = alignment_of(p.pointer(operand));
    return key;
  }

  LtOwner<cublasLtHandle_t> handle_ = make_lt_handle();
  std::map<Key, Choice> choices_;
};

Library& library_on(Device device) {
  thread_local std::map<int, Library> libraries;
  return libraries[device.index];
}

}  // namespace

void matmul(CudaQueue queue, const MatmulFactor& a, const MatmulFactor& b, const MatmulResult& out) {
  const Problem problem = problem_of(a, b, out);
  if (problem.rows == 0 || problem.columns == 0) return;
  const cudaStream_t stream = stream_of(queue);
  if (problem.inner == 0) {
    require(out.bias == nullptr, "matmul: a bias, and nothing to multiply");
    if (out.mode == Accumulate::Add) return;
    const std::size_t bytes = static_cast<std::size_t>(out.rows * out.columns) * size_of(out.dtype);
    return check(cudaMemsetAsync(out.data, 0, bytes, stream), "cudaMemsetAsync");
  }
  const Device device = current_device();
  const Descriptors with(problem);
  Library& library = library_on(device);
  const Choice& choice = library.choice(problem, with);
  const Block workspace(device, choice.workspace);
  const float one = 1.0F, keep = out.mode == Accumulate::Add ? 1.0F : 0.0F;
  check(cublasLtMatmul(library.handle(), with.operation.get(), &one, problem.pointer(0), with.a.get(),
                       problem.pointer(1), with.b.get(), &keep, out.data, with.out.get(), out.data, with.out.get(),
                       &choice.algorithm, workspace.data(), choice.workspace, stream),
        "cublasLtMatmul");
}

}  // namespace isobath::cuda
