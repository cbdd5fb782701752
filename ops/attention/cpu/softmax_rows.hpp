#pragma once
// What happens to a row of scores between two matrix products. Scores come multiplied by log2(e): e^s = 2^score.

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/attention/cpu/lanes.hpp"

namespace isobath::flash {

inline constexpr float kLog2E = 1.44269504F;
inline constexpr float kLn2 = 0.693147181F;

inline float largest(const float* scores, std::int64_t count) {
  const Lanes none = all(-std::numeric_limits<float>::infinity());
  Lanes most = none;
  std::int64_t j = 0;
  for (; j + kLanes <= count; j += kLanes) most = larger(most, load(scores + j));
  if (j < count) most = larger(most, lanes_below(count - j) ? load(scores + j) : none);
  return largest_of(most);
}

/// What turns a row of terms into probabilities: p = weight * term.
struct RowNorm {
  float weight;
  float log2_sum;  ///< log2 of the sum of e^s
};

/// scores[j] = 2^(scores[j] - largest) for j < visible, 0 from there up to `width`, a multiple of kWidth. A row that
/// sees no key gets weight 0.
inline RowNorm softmax_row(float* scores, std::int64_t visible, std::int64_t width) {
  const float top = largest(scores, visible);
  Lanes sum{};
  std::int64_t j = 0;
  for (; j + kLanes <= visible; j += kLanes) {
    const Lanes term = exp2(load(scores + j) - top);
    sum += term;
    store(scores + j, term);
  }
  if (j < visible) {
    const Lanes term = lanes_below(visible - j) ? exp2(load(scores + j) - top) : Lanes{};
    sum += term;
    store(scores + j, term);
    j += kLanes;
  }
  for (; j < width; j += kLanes) store(scores + j, Lanes{});
  if (visible == 0) return {0.0F, 0.0F};
  const float total = sum_of(sum);
  return {1.0F / total, top + std::log2(total)};
}

/// Probabilities and gradients of scores: p = 2^(score - log2_sum), ds = p (dp - delta) with delta = <out, grad_out>;
/// scores and slopes (dp) become p and ds in place, and zeros from `visible` up to `width`, a multiple of kWidth.
inline void softmax_gradient_row(float* scores, float* slopes, std::int64_t visible, std::int64_t width, float log2_sum,
                                 float delta) {
  std::int64_t j = 0;
  for (; j + kLanes <= visible; j += kLanes) {
    const Lanes p = exp2(load(scores + j) - log2_sum);
    store(scores + j, p);
    store(slopes + j, p * (load(slopes + j) - delta));
  }
  if (j < visible) {
    const IntLanes seen = lanes_below(visible - j);
    const Lanes p = exp2(load(scores + j) - log2_sum);
    const Lanes slope = p * (load(slopes + j) - delta);
    store(scores + j, seen ? p : Lanes{});
    store(slopes + j, seen ? slope : Lanes{});
    j += kLanes;
  }
  for (; j < width; j += kLanes) {
    store(scores + j, Lanes{});
    store(slopes + j, Lanes{});
  }
}

}  // namespace isobath::flash
