#include "trainer/guard/spike_guard.hpp"

#include <cmath>
#include <limits>
#include <numeric>

namespace isobath {

double SpikeGuard::limit() const {
  const auto count = static_cast<double>(losses_.size());
  if (config_.on_spike == OnSpike::Ignore || losses_.size() < static_cast<std::size_t>(config_.spike_window))
    return std::numeric_limits<double>::infinity();
  const double mean = std::accumulate(losses_.begin(), losses_.end(), 0.0) / count;
  double squares = 0;
  for (const double loss : losses_) squares += (loss - mean) * (loss - mean);
  return mean + config_.spike_z * std::sqrt(squares / count);
}

void SpikeGuard::note(double loss) {
  losses_.push_back(loss);
  while (losses_.size() > static_cast<std::size_t>(config_.spike_window)) losses_.pop_front();
}

void SpikeGuard::restore(const std::vector<double>& losses) {
  losses_.clear();
  for (const double loss : losses) note(loss);
}

}  // namespace isobath
