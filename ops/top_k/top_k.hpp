#pragma once
#include "ops/core/queue.hpp"
#include "ops/tensor/row_set.hpp"

namespace isobath {

/// The k rows with the highest score of every sequence, exactly k, ties to the lower index, rows ascending.
/// scores: f32 [batch * length]; 1 <= k <= length. NaN ranks below every number, -0 ties with +0. Not differentiable:
/// the gate carries the gradient. On the meta device the set has batch * k rows without values.
RowSet top_k(const Tensor& scores, std::int64_t batch, std::int64_t length, std::int64_t k);

/// The rows whose score is above `threshold`; any number per sequence, also none. On a device other than the CPU the
/// host waits for the counts. Throws InternalError on the meta device, where the count is unknown.
RowSet rows_above(const Tensor& scores, std::int64_t batch, std::int64_t length, float threshold);

namespace kernel {
/// scores: [B * T]; rows, positions: [B * k]; offsets: [B + 1].
void top_k(CpuQueue queue, View<const float> scores, std::int64_t length, std::int64_t k, View<std::int32_t> rows,
           View<std::int32_t> offsets, View<std::int32_t> positions);
void top_k(CudaQueue queue, View<const float> scores, std::int64_t length, std::int64_t k, View<std::int32_t> rows,
           View<std::int32_t> offsets, View<std::int32_t> positions);

/// offsets: [B + 1]; returns the last entry, the number of rows above the threshold. On a device the host reads that
/// one word, and waits for it once.
std::int64_t count_above(CpuQueue queue, View<const float> scores, std::int64_t length, float threshold,
                         View<std::int32_t> offsets);
std::int64_t count_above(CudaQueue queue, View<const float> scores, std::int64_t length, float threshold,
                         View<std::int32_t> offsets);

/// rows, positions: [offsets[B]].
void list_above(CpuQueue queue, View<const float> scores, std::int64_t length, float threshold,
                View<const std::int32_t> offsets, View<std::int32_t> rows, View<std::int32_t> positions);
void list_above(CudaQueue queue, View<const float> scores, std::int64_t length, float threshold,
                View<const std::int32_t> offsets, View<std::int32_t> rows, View<std::int32_t> positions);
}  // namespace kernel

}  // namespace isobath
