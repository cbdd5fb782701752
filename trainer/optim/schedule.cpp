#include "trainer/optim/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace isobath {

double learning_rate_at(const OptimConfig& config, std::int64_t total_steps, std::int64_t step) {
  const double peak = config.learning_rate;
  if (step < config.warmup_steps)
    return peak * static_cast<double>(step + 1) / static_cast<double>(config.warmup_steps);
  if (config.schedule == Schedule::Constant) return peak;
  const std::int64_t end = config.decay_steps > 0 ? config.decay_steps : total_steps;
  const auto span = static_cast<double>(std::max<std::int64_t>(1, end - config.warmup_steps));
  const double progress = std::min(1.0, static_cast<double>(step - config.warmup_steps) / span);
  const double floor = config.min_lr_ratio * peak;
  return floor + 0.5 * (peak - floor) * (1.0 + std::cos(std::numbers::pi * progress));
}

}  // namespace isobath
