#include <algorithm>

#include "ops/tally/tally.hpp"

namespace isobath::kernel {

void tally(CpuQueue, View<double> to, View<const float> value) { to[0] += static_cast<double>(value[0]); }

void tally(CpuQueue, View<double> to, double value) { to[0] += value; }

void tally_bins(CpuQueue, View<double> counts, View<const float> values) {
  const std::int64_t bins = counts.count();
  for (std::int64_t i = 0; i < values.count(); ++i) {
    const float inside = std::clamp(values[i], 0.0F, 1.0F) * static_cast<float>(bins);
    counts[std::min(static_cast<std::int64_t>(inside), bins - 1)] += 1.0;
  }
}

void reciprocal(CpuQueue, View<const double> total, View<float> out) {
  out[0] = total[0] == 0.0 ? 0.0F : static_cast<float>(1.0 / total[0]);
}

}  // namespace isobath::kernel
