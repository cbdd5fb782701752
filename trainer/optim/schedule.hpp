#pragma once
#include <cstdint>

#include "configs/schema/run_config.hpp"

namespace isobath {

/// Learning rate of update `step` (from 0): linear warm-up to the peak over `warmup_steps`, then to min_lr_ratio * peak
/// at the end of the decay and constant after it, by the schedule:
///   cosine    over all of the decay (Loshchilov, Hutter 2017, arXiv 1608.03983, without restarts)
///   wsd       at the peak, and only in the cool-down by sqrt(share of it) or linearly (Hu et al. 2024, arXiv
///             2404.06395; the square root: Haegele et al. 2024, arXiv 2405.18392)
///   constant  at the peak throughout
double learning_rate_at(const OptimConfig& config, std::int64_t total_steps, std::int64_t step);

}  // namespace isobath
