#pragma once
#include "ops/autograd/grad_slot.hpp"
#include "ops/core/queue.hpp"
#include "ops/tensor/row_set.hpp"

namespace isobath {

/// scale * sum over all rows of BCE(sigmoid(logits[i]), 1 if row i is in `chosen` else 0), a scalar f32 [1]; stable for
/// large logits. logits: f32 [batch * length] (or [.., 1]); scale is a host constant times the device scalar `unit`,
/// f32 [1] (1 / global count of tokens). Summed in f64 over fixed blocks, in order.
Tensor bce_with_logits(const Tensor& logits, const RowSet& chosen, float scale, const Tensor& unit);

namespace kernel {
/// The rows with target 1: ascending row indices, or every row.
struct Targets {
  View<const std::int32_t> rows;
  enum class Kind { Listed, All } kind = Kind::Listed;
};

/// partial: f64 scratch for the sum of each block (ops/sum/sum_partial.hpp).
void bce_with_logits(CpuQueue queue, View<const float> logits, Targets targets, float scale, View<const float> unit,
                     View<double> partial, View<float> out);
void bce_with_logits(CudaQueue queue, View<const float> logits, Targets targets, float scale, View<const float> unit,
                     View<double> partial, View<float> out);

/// d BCE / d logit = sigmoid(logit) - target, times scale * unit * grad_out[0].
void bce_with_logits_backward(CpuQueue queue, View<const float> grad_out, View<const float> logits, Targets targets,
                              float scale, View<const float> unit, Accumulate mode, View<float> grad_logits);
void bce_with_logits_backward(CudaQueue queue, View<const float> grad_out, View<const float> logits, Targets targets,
                              float scale, View<const float> unit, Accumulate mode, View<float> grad_logits);
}  // namespace kernel

}  // namespace isobath
