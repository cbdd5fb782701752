#pragma once
#include "ops/core/queue.hpp"
#include "ops/tensor/tensor.hpp"

namespace isobath {

/// totals[index] += value[0] for totals: f64 [n], value: f32 [1]: how a step's numbers gather on the device. Not
/// recorded.
void tally(const Tensor& totals, std::int64_t index, const Tensor& value);

}  // namespace isobath
