#pragma once
#include <vector>

#include "ops/core/dtype.hpp"

namespace isobath::test {

/// What the 32 lanes of a warp hold, lane after lane.
struct WarpMatrices {
  std::vector<bfloat16> left;   ///< 8 a lane: pairs[0] to pairs[3], the low half of each first
  std::vector<bfloat16> right;  ///< 4 a lane, in the same way
  std::vector<float> sums;      ///< 4 a lane
};

/// The sums after one product.
std::vector<float> product_on_device(const WarpMatrices& matrices);

/// Neighbours rounded to bf16 by rounded_pair; an even number of values, at most 64.
std::vector<bfloat16> rounded_on_device(const std::vector<float>& values);

}  // namespace isobath::test
