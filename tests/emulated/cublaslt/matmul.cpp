#include <algorithm>
#include <bit>
#include <string>
#include <vector>

#include "tests/emulated/cublaslt/descriptors.hpp"
#include "tests/emulated/cublaslt/product.hpp"
#include "tests/emulated/engine/fault.hpp"
#include "tests/emulated/engine/shared_arena.hpp"

namespace isobath::emulated {
namespace {

using Layout = cublasLtMatrixLayoutOpaque_t;
using Operation = cublasLtMatmulDescOpaque_t;

constexpr std::uint64_t kOurs = 0x69736f62617468;  // marks an algorithm that the heuristic gave out
constexpr std::uint64_t kWorkspace = 1024;

// Copies of all that describes a product, so that the caller may destroy or change the descriptors after the call.
struct Problem {
  std::unique_ptr<Operation> operation;
  std::unique_ptr<Layout> layouts[4];  // A, B, C, D
};

Problem problem_of(cublasLtMatmulDesc_t operation, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                   cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d) {
  return {copy_of(operation), {copy_of(a), copy_of(b), copy_of(c), copy_of(d)}};
}

bool is_sound(const Layout& layout) {
  const std::uint64_t line = layout.order == CUBLASLT_ORDER_COL ? layout.rows : layout.columns;
  return layout.rows > 0 && layout.columns > 0 && layout.leading >= static_cast<std::int64_t>(line);
}

// Extents after op().
std::uint64_t rows_of(const Layout& layout, cublasOperation_t op) {
  return op == CUBLAS_OP_N ? layout.rows : layout.columns;
}
std::uint64_t columns_of(const Layout& layout, cublasOperation_t op) {
  return op == CUBLAS_OP_N ? layout.columns : layout.rows;
}

bool extents_fit(const Problem& problem) {
  const auto& [a, b, c, d] = problem.layouts;
  const cublasOperation_t op_a = problem.operation->op_a, op_b = problem.operation->op_b;
  return rows_of(*a, op_a) == d->rows && columns_of(*b, op_b) == d->columns &&
         columns_of(*a, op_a) == rows_of(*b, op_b) && c->rows == d->rows && c->columns == d->columns;
}

// cuBLAS manual, cublasLtMatmul(), the tables of supported types: sums in f32.
bool types_are_supported(const Problem& problem) {
  const auto& [a, b, c, d] = problem.layouts;
  const Operation& operation = *problem.operation;
  const bool factors = a->type == b->type, results = c->type == d->type;
  const bool wide = d->type == CUDA_R_32F || a->type == CUDA_R_16BF;
  const bool bias =
      operation.epilogue != CUBLASLT_EPILOGUE_BIAS || operation.bias_type == -1 || operation.bias_type == d->type;
  return operation.compute == CUBLAS_COMPUTE_32F && operation.scale == CUDA_R_32F && factors && results && wide && bias;
}

bool epilogue_is_supported(const Operation& operation, const Layout& d) {
  if (operation.epilogue == CUBLASLT_EPILOGUE_DEFAULT) return true;
  return operation.epilogue == CUBLASLT_EPILOGUE_BIAS && d.order == CUBLASLT_ORDER_COL;
}

cublasStatus_t judge(const Problem& problem) {
  if (!problem.operation) return CUBLAS_STATUS_INVALID_VALUE;
  for (const auto& layout : problem.layouts)
    if (!layout || !is_sound(*layout)) return CUBLAS_STATUS_INVALID_VALUE;
  if (!extents_fit(problem)) return CUBLAS_STATUS_INVALID_VALUE;
  if (!types_are_supported(problem) || !epilogue_is_supported(*problem.operation, *problem.layouts[3]))
    return CUBLAS_STATUS_NOT_SUPPORTED;
  return CUBLAS_STATUS_SUCCESS;
}

std::uint64_t fingerprint(const Problem& problem) {
  std::uint64_t out = 14695981039346656037U;
  const auto mix = [&](std::uint64_t value) { out = std::rotl((out ^ value) * 1099511628211U, 23); };
  mix(problem.operation->op_a), mix(problem.operation->op_b), mix(problem.operation->epilogue);
  for (const auto& layout : problem.layouts)
    mix(layout->type), mix(layout->rows), mix(layout->columns), mix(static_cast<std::uint64_t>(layout->leading)),
        mix(layout->order);
  return out;
}

bool is_aligned(const void* data, std::uint64_t bytes) { return reinterpret_cast<std::uintptr_t>(data) % bytes == 0; }

// Whether the algorithm is one for this problem, this workspace and these pointers.
bool algorithm_fits(const cublasLtMatmulAlgo_t& algorithm, const Problem& problem, const void* const (&data)[4],
                    std::size_t workspace_bytes) {
  bool fits =
      algorithm.data[0] == kOurs && algorithm.data[1] == fingerprint(problem) && algorithm.data[2] <= workspace_bytes;
  for (int i = 0; i < 4; ++i) fits = fits && is_aligned(data[i], algorithm.data[3 + i]);
  return fits;
}

PiecePtr device_piece(const char* what, const void* data, std::size_t bytes) {
  PiecePtr piece = Pieces::all().holding(data, bytes);
  if (!piece || !piece->is_on_device())
    throw Fault(std::string("cublasLtMatmul: the ") + std::to_string(bytes) + " bytes of " + what +
                " do not lie within one allocation of device memory");
  return piece;
}

Factor factor(const void* data, const Layout& layout, cublasOperation_t op) {
  return {data, layout.type, layout.leading, (layout.order == CUBLASLT_ORDER_COL) == (op == CUBLAS_OP_N)};
}

Work work_of(const Problem& problem, const void* const (&data)[4], float alpha, float beta) {
  constexpr const char* kNames[] = {"A", "B", "C", "D"};
  const auto& [a, b, c, d] = problem.layouts;
  Work work;
  for (int i = 0; i < 4; ++i)
    if (i != 2 || beta != 0.0F) work.uses.push_back(device_piece(kNames[i], data[i], bytes_of(*problem.layouts[i])));
  Product product{static_cast<std::int64_t>(d->rows),
                  static_cast<std::int64_t>(d->columns),
                  static_cast<std::int64_t>(columns_of(*a, problem.operation->op_a)),
                  factor(data[0], *a, problem.operation->op_a),
                  factor(data[1], *b, problem.operation->op_b),
                  factor(data[2], *c, CUBLAS_OP_N),
                  factor(data[3], *d, CUBLAS_OP_N),
                  nullptr,
                  alpha,
                  beta};
  if (problem.operation->epilogue == CUBLASLT_EPILOGUE_BIAS) {
    product.bias = problem.operation->bias;
    work.uses.push_back(device_piece("the bias", product.bias, d->rows * bytes_of(d->type)));
  }
  work.run = [product] { multiply(product); };
  return work;
}

}  // namespace
}  // namespace isobath::emulated

using namespace isobath::emulated;

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int wanted,
                                              cublasLtMatmulHeuristicResult_t results[], int* found) {
  if (!Handles<cublasLtContext>::all().has(handle)) return CUBLAS_STATUS_NOT_INITIALIZED;
  const auto asked = copy_of(preference);
  if (wanted <= 0 || !asked) return CUBLAS_STATUS_INVALID_VALUE;
  const Problem problem = problem_of(operation, a, b, c, d);
  if (const cublasStatus_t status = judge(problem); status != CUBLAS_STATUS_SUCCESS) return status;
  const std::uint64_t workspace = std::min(kWorkspace, asked->workspace);
  results[0] = {};
  results[0].algo = {{kOurs, fingerprint(problem), workspace, asked->alignment[0], asked->alignment[1],
                      asked->alignment[2], asked->alignment[3], 0}};
  results[0].workspaceSize = workspace;
  results[0].wavesCount = 1.0F;
  *found = 1;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation, const void* alpha, const void* a,
                              cublasLtMatrixLayout_t a_layout, const void* b, cublasLtMatrixLayout_t b_layout,
                              const void* beta, const void* c, cublasLtMatrixLayout_t c_layout, void* d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t* algorithm, void* workspace,
                              std::size_t workspace_bytes, cudaStream_t stream) {
  if (!Handles<cublasLtContext>::all().has(handle)) return CUBLAS_STATUS_NOT_INITIALIZED;
  const Problem problem = problem_of(operation, a_layout, b_layout, c_layout, d_layout);
  if (const cublasStatus_t status = judge(problem); status != CUBLAS_STATUS_SUCCESS) return status;
  if (alpha == nullptr || beta == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  const float by = *static_cast<const float*>(alpha), keep = *static_cast<const float*>(beta);
  if (c == d && *problem.layouts[2] != *problem.layouts[3]) return CUBLAS_STATUS_INVALID_VALUE;
  if (problem.operation->epilogue == CUBLASLT_EPILOGUE_BIAS && problem.operation->bias == nullptr)
    return CUBLAS_STATUS_INVALID_VALUE;
  const void* const data[4] = {a, b, c, d};
  if (algorithm != nullptr && !algorithm_fits(*algorithm, problem, data, workspace_bytes))
    return CUBLAS_STATUS_INVALID_VALUE;
  if (!is_aligned(workspace, 16)) return CUBLAS_STATUS_INVALID_VALUE;
  Work work = work_of(problem, data, by, keep);
  if (workspace_bytes > 0) work.uses.push_back(device_piece("the workspace", workspace, workspace_bytes));
  work.run = [run = std::move(work.run), workspace, workspace_bytes] {
    poison(workspace, workspace_bytes);  // the library writes there what it likes, before it reads the operands
    run();
  };
  return submit(stream, std::move(work)) == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}
