#include "ops/tally/tally.hpp"

#include <algorithm>

namespace isobath {

void tally(const Tensor& totals, std::int64_t index, const Tensor& value) {
  require(index >= 0 && index < totals.count() && value.count() == 1, "tally: index ", index, " of ", totals.shape(),
          " with a value of shape ", value.shape());
  on_cpu_queue_of(totals.device(), "tally",
                  [&](CpuQueue) { totals.view<double>()[index] += static_cast<double>(value.view<const float>()[0]); });
}

void tally(const Tensor& totals, std::int64_t index, double value) {
  require(index >= 0 && index < totals.count(), "tally: index ", index, " of ", totals.shape());
  on_cpu_queue_of(totals.device(), "tally", [&](CpuQueue) { totals.view<double>()[index] += value; });
}

void tally_bins(const Tensor& totals, std::int64_t index, const Tensor& values, std::int64_t bins) {
  require(index >= 0 && bins > 0 && index + bins <= totals.count(), "tally_bins: ", bins, " from ", index, " of ",
          totals.shape());
  on_cpu_queue_of(totals.device(), "tally_bins", [&](CpuQueue) {
    double* counts = totals.view<double>().data + index;
    const float* value = values.view<const float>().data;
    for (std::int64_t i = 0; i < values.count(); ++i) {
      const float inside = std::clamp(value[i], 0.0F, 1.0F) * static_cast<float>(bins);
      counts[std::min(static_cast<std::int64_t>(inside), bins - 1)] += 1.0;
    }
  });
}

Tensor reciprocal(const Tensor& total) {
  require(total.count() == 1, "reciprocal of ", total.shape());
  Tensor out = Tensor::empty(Shape{1}, DType::F32, total.device());
  on_cpu_queue_of(total.device(), "reciprocal", [&](CpuQueue) {
    const double value = total.view<const double>()[0];
    out.view<float>()[0] = value == 0.0 ? 0.0F : static_cast<float>(1.0 / value);
  });
  return out;
}

}  // namespace isobath
