#pragma once

#include <cstdint>
#include <span>

#include "parallel/communicator.hpp"

namespace isobath {

/// to[i] = parts[0][i] (how) parts[1][i] (how) ..., from left to right, so that the bits do not depend on who is early.
/// bf16 is accumulated in f32 and rounded once; the other types in their own precision. `to` may be one of the parts.
void reduce_in_order(std::span<const void* const> parts, std::int64_t count, DType dtype, Reduce how, void* to);

}  // namespace isobath
