#pragma once
#include "ops/core/cpu/vector_math.hpp"

namespace isobath::kernel {

/// z sigmoid(z) and its derivative s (1 + z (1 - s)). With e = exp(-|z|) in (0, 1] nothing overflows, and neither s nor
/// 1 - s is a difference.
[[gnu::always_inline]] constexpr vector_math::ValueAndSlope silu(float z) {
  const float e = vector_math::exp(z > 0.0F ? -z : z), share = 1.0F / (1.0F + e);
  const float s = z > 0.0F ? share : e * share, rest = z > 0.0F ? e * share : share;
  return {z * s, s * (1.0F + z * rest)};
}

}  // namespace isobath::kernel
