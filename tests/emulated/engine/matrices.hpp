#pragma once
#include "tests/emulated/device/matrices.hpp"

namespace isobath::emulated {

/// The products of a warp whose 32 lanes brought `lanes`.
void multiply(const MatrixParts* const (&lanes)[32]);

}  // namespace isobath::emulated
