#include "configs/schema/depth_config.hpp"

#include <cmath>
#include <limits>

namespace isobath {

std::int64_t MixtureOfDepthsConfig::tokens_kept(std::int64_t context) const {
  // capacity carries half an ulp from its decimal, the product another: one epsilon relative covers both.
  constexpr double kRounding = 1.0 + std::numeric_limits<double>::epsilon();
  return static_cast<std::int64_t>(std::floor(capacity * static_cast<double>(context) * kRounding));
}

void DepthConfig::check(config::Checker& checker) const {
  checker.rule(policy != DepthPolicy::Replay || !replay.trace.empty(), {"replay.trace", "policy"},
               {"the file of a recorded trace, for policy replay reads one", "nothing",
                "set depth.replay.trace, or choose another depth.policy"});
}

}  // namespace isobath
