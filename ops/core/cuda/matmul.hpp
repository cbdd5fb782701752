#pragma once
// Matrix products by cuBLASLt. Sums are f32, and factors of f32 are multiplied as such (no TF32). The library's own
// header stays in matmul.cpp and lt.hpp.

#include <cstdint>

#include "ops/core/accumulate.hpp"
#include "ops/core/dtype.hpp"
#include "ops/core/queue.hpp"

namespace isobath::cuda {

enum class Transpose { No, Yes };

/// A dense row-major matrix as it is stored, f32 or bf16, and whether its transpose is meant.
struct MatmulFactor {
  const void* data = nullptr;
  DType dtype = DType::F32;
  std::int64_t rows = 0, columns = 0;
  Transpose transpose = Transpose::No;
};

/// A dense row-major matrix that receives a product: f32, or bf16 where the factors are.
struct MatmulResult {
  void* data = nullptr;
  DType dtype = DType::F32;
  std::int64_t rows = 0, columns = 0;
  Accumulate mode = Accumulate::Overwrite;
  const float* bias = nullptr;  ///< [columns], added to every row; only where the result is f32
};

/// Queues out = (Add: out +) a b (+ bias). Extents may be 0; a sum of nothing is 0. A result in bf16 is rounded once.
/// The workspace comes from the allocator, in the order of the calling thread's queue, which `queue` must be. Throws
/// BackendError when the library cannot work or has no algorithm, InternalError for a mistake of ours.
void matmul(CudaQueue queue, const MatmulFactor& a, const MatmulFactor& b, const MatmulResult& out);

}  // namespace isobath::cuda
