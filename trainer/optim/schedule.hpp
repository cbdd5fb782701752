#pragma once
#include <cstdint>

#include "configs/schema/run_config.hpp"

namespace isobath {

/// Learning rate of update `step` (from 0): linear warm-up to the peak over `warmup_steps`, then cosine to min_lr_ratio
/// * peak at the end of the decay, constant after it; or constant throughout. (Loshchilov, Hutter 2017, arXiv
/// 1608.03983, without restarts.)
double learning_rate_at(const OptimConfig& config, std::int64_t total_steps, std::int64_t step);

}  // namespace isobath
