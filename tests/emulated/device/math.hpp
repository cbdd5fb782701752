#pragma once
// Functions that device code has without an #include. Where the device's instruction rounds worse than these, the
// kernels' tests allow for it in their bounds.

#include <bit>
#include <cmath>
#include <cstring>

inline float rsqrtf(float value) { return 1.0F / std::sqrt(value); }
inline int __popc(unsigned word) { return std::popcount(word); }
inline int __ffs(int word) { return word == 0 ? 0 : std::countr_zero(static_cast<unsigned>(word)) + 1; }
