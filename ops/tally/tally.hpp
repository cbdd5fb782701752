#pragma once
#include "ops/core/queue.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath {

/// totals[index] += value[0] for totals: f64 [n], value: f32 [1]: how a step's numbers gather on the device. Not
/// recorded.
void tally(const Tensor& totals, std::int64_t index, const Tensor& value);
/// totals[index] += value, where the host knows the value.
void tally(const Tensor& totals, std::int64_t index, double value);
/// totals[index + b] += how many of values: f32 [n] or [n, 1] lie in bin b of `bins` equal ones over [0, 1]; what lies
/// outside counts in the first or the last. Counts are whole numbers, so no order of summing shows in them.
void tally_bins(const Tensor& totals, std::int64_t index, const Tensor& values, std::int64_t bins);
/// 1 / total[0] as f32 [1] for total: f64 [1]; 0 where the total is 0, so that an empty step weighs nothing.
Tensor reciprocal(const Tensor& total);

namespace kernel {
/// to[0] += value[0].
void tally(CpuQueue queue, View<double> to, View<const float> value);
void tally(CudaQueue queue, View<double> to, View<const float> value);
/// to[0] += value.
void tally(CpuQueue queue, View<double> to, double value);
void tally(CudaQueue queue, View<double> to, double value);
/// counts: f64 [bins]; counts[b] grows by how many values lie in bin b.
void tally_bins(CpuQueue queue, View<double> counts, View<const float> values);
void tally_bins(CudaQueue queue, View<double> counts, View<const float> values);
void reciprocal(CpuQueue queue, View<const double> total, View<float> out);
void reciprocal(CudaQueue queue, View<const double> total, View<float> out);
}  // namespace kernel

}  // namespace isobath
