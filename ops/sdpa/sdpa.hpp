#pragma once
// Attention of whole sequences as one operation of a library, cuDNN. A build without it links no_cudnn.cpp, which
// throws and says so.

#include <compare>
#include <cstdint>
#include <string>

#include "ops/core/dtype.hpp"
#include "ops/core/queue.hpp"
#include "ops/tensor/row_set.hpp"

namespace isobath {

/// Whether sdpa() can compute attention of q: [B * T, H * D] over keys of k's shape [B * T, G * D]: bf16 on a GPU,
/// every row on both sides, at least two of them, and D a multiple of 8 up to 128. The build may lack cuDNN all the
/// same.
bool sdpa_takes(const Tensor& q, const Tensor& k, const RowSet& queries, const RowSet& keys, int heads);

/// attention(q, k, v, rows, rows, heads, Mask::Causal) by cuDNN, for what sdpa_takes(). Gradients have equal bits in
/// every run; for that cuDNN stores, while it computes them, the bf16 gradient of every score: 2 B H T T bytes, T
/// rounded up to its tiles. Throws BackendError in a build without cuDNN, and for extents that it has no kernel for on
/// this device.
Tensor sdpa(const Tensor& q, const Tensor& k, const Tensor& v, const RowSet& rows, int heads);

bool has_cudnn();
/// cuDNN's version, or why there is none. For people.
std::string cudnn_version();

namespace kernel {

/// B sequences of T rows; H query heads over G key heads, both of D columns.
struct SdpaExtents {
  std::int64_t batch = 0, length = 0, heads = 0, key_heads = 0, width = 0;
  auto operator<=>(const SdpaExtents&) const = default;
};

struct SdpaInputs {
  const bfloat16* q;  ///< [B * T, H * D]
  const bfloat16* k;  ///< [B * T, G * D]
  const bfloat16* v;  ///< [B * T, G * D]
};

struct SdpaGrads {
  bfloat16* q;
  bfloat16* k;
  bfloat16* v;
};

/// What backward needs of forward.
struct SdpaResult {
  const bfloat16* out;   ///< [B * T, H * D]
  const float* log_sum;  ///< [B, H, T], the natural logarithm of each row's sum of e^(scaled score)
};

/// The same contract without checks; addresses are multiples of 16 bytes.
void sdpa(CudaQueue queue, const SdpaExtents& extents, const SdpaInputs& in, bfloat16* out, float* log_sum);
/// Overwrites all three gradients.
void sdpa_backward(CudaQueue queue, const SdpaExtents& extents, const SdpaInputs& in, const SdpaResult& result,
                   const bfloat16* grad_out, const SdpaGrads& grads);

}  // namespace kernel
}  // namespace isobath
