#include "trainer/optim/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "ops/core/error.hpp"

namespace isobath {
namespace {

/// What of [begin, end) lies before `step`, in [0, 1].
double share_of(std::int64_t begin, std::int64_t end, std::int64_t step) {
  const auto span = static_cast<double>(std::max<std::int64_t>(1, end - begin));
  return std::clamp(static_cast<double>(step - begin) / span, 0.0, 1.0);
}

}  // namespace

double learning_rate_at(const OptimConfig& config, std::int64_t total_steps, std::int64_t step) {
  const double peak = config.learning_rate;
  if (step < config.warmup_steps)
    return peak * static_cast<double>(step + 1) / static_cast<double>(config.warmup_steps);
  const std::int64_t end = config.decay_end(total_steps);
  const double floor = config.min_lr_ratio * peak;
  switch (config.schedule) {
    case Schedule::Constant:
      return peak;
    case Schedule::Cosine:
      return floor +
             0.5 * (peak - floor) * (1.0 + std::cos(std::numbers::pi * share_of(config.warmup_steps, end, step)));
    case Schedule::WarmupStableDecay: {
      const double share = share_of(end - config.cooldown(total_steps), end, step);
      return peak - (peak - floor) * (config.cooldown_shape == CooldownShape::Sqrt ? std::sqrt(share) : share);
    }
  }
  throw InternalError("unknown schedule");
}

}  // namespace isobath
