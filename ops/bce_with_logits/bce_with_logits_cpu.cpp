#include <cmath>

#include "ops/bce_with_logits/bce_with_logits.hpp"
#include "ops/core/cpu/vector_math.hpp"
#include "ops/sum/blocks.hpp"

namespace isobath::kernel {
namespace {

// body(i, sign) for every row of [begin, end), with sign -1 where the target is 1 and +1 where it is 0:
// BCE = softplus(sign * logit), and its derivative is sign * sigmoid(sign * logit), both free of cancellation.
template <class Body>
void for_each_row(const Targets& targets, std::int64_t begin, std::int64_t end, Body&& body) {
  const bool all = targets.kind == Targets::Kind::All;
  const std::int32_t* const last = targets.rows.data + (all ? 0 : targets.rows.count());
  const std::int32_t* next = std::lower_bound(targets.rows.data, last, begin);
  for (std::int64_t i = begin; i < end; ++i) {
    const bool listed = next != last && *next == i;
    if (listed) ++next;
    body(i, listed || all ? -1.0F : 1.0F);
  }
}

}  // namespace

void bce_with_logits(CpuQueue, View<const float> logits, Targets targets, float scale, View<const float> unit,
                     View<double> partial, View<float> out) {
  const double total = sum_of_blocks(logits.count(), partial, [&](std::int64_t begin, std::int64_t end) {
    double block = 0.0;
    for_each_row(targets, begin, end, [&](std::int64_t i, float sign) {
      const double value = static_cast<double>(sign) * logits[i];
      block += std::fmax(value, 0.0) + std::log1p(std::exp(-std::abs(value)));
    });
    return block;
  });
  out[0] = static_cast<float>(static_cast<double>(scale) * unit[0] * total);
}

void bce_with_logits_backward(CpuQueue, View<const float> grad_out, View<const float> logits, Targets targets,
                              float scale, View<const float> unit, Accumulate mode, View<float> grad_logits) {
  const auto factor = static_cast<float>(static_cast<double>(scale) * unit[0] * grad_out[0]);
  for_each_block(logits.count(), [&](std::int64_t begin, std::int64_t end) {
    for_each_row(targets, begin, end, [&](std::int64_t i, float sign) {
      const float value = sign * logits[i], e = vector_math::exp(-std::abs(value));
      const float gradient = factor * sign * (value > 0.0F ? 1.0F : e) / (1.0F + e);
      grad_logits[i] = mode == Accumulate::Add ? grad_logits[i] + gradient : gradient;
    });
  });
}

}  // namespace isobath::kernel
