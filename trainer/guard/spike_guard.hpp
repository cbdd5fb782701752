#pragma once
#include <deque>
#include <vector>

#include "configs/schema/guard_config.hpp"

namespace isobath {

/// From which loss on a step counts as a spike: the mean of the last losses plus spike_z times their standard
/// deviation. Spikes enter the window too, so that a loss that stays high is no spike for ever. Equal on all ranks,
/// because losses are.
class SpikeGuard {
 public:
  explicit SpikeGuard(const GuardConfig& config) : config_(config) {}

  /// Infinity while spikes are ignored or the window is not full.
  double limit() const;
  void note(double loss);

  /// For checkpoints: the window, oldest first.
  std::vector<double> losses() const { return {losses_.begin(), losses_.end()}; }
  void restore(const std::vector<double>& losses);

 private:
  GuardConfig config_;
  std::deque<double> losses_;
};

}  // namespace isobath
