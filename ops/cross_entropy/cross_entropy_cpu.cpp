#include <cmath>
#include <limits>

#include "ops/core/cpu/vector_math.hpp"
#include "ops/cross_entropy/cross_entropy.hpp"
#include "ops/sum/blocks.hpp"

namespace isobath::kernel {
namespace {

constexpr int kLanes = 64;             // independent maxima, so that the loop is vector code without reassociation
constexpr std::int64_t kChunk = 1024;  // terms summed in f32 before the sum goes on in f64: vocabularies are long

// NaN elements are passed over; they show in the sum.
float largest_of(const float* x, std::int64_t count) {
  float lanes[kLanes];
  std::fill_n(lanes, kLanes, -std::numeric_limits<float>::infinity());
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
#pragma omp simd
    for (int lane = 0; lane < kLanes; ++lane) lanes[lane] = x[i + lane] > lanes[lane] ? x[i + lane] : lanes[lane];
  }
  for (; i < count; ++i) lanes[0] = x[i] > lanes[0] ? x[i] : lanes[0];
  return *std::max_element(lanes, lanes + kLanes);
}

float sum_of_exp(const float* x, float largest, std::int64_t count) {
  float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < count; ++i) sum += vector_math::exp(x[i] - largest);
  return sum;
}

float write_exp(float* x, float largest, std::int64_t count) {
  float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < count; ++i) sum += x[i] = vector_math::exp(x[i] - largest);
  return sum;
}

// Sum over the row of `part(x + begin, largest, count)`, chunk by chunk.
template <class T, class Part>
double sum_by_chunks(T* x, float largest, std::int64_t count, Part part) {
  double sum = 0.0;
  for (std::int64_t begin = 0; begin < count; begin += kChunk)
    sum += static_cast<double>(part(x + begin, largest, std::min(kChunk, count - begin)));
  return sum;
}

/// Puts the penalty of a row whose logsumexp is known where it belongs.
void put_penalty(const ZPenalty& z, std::int64_t row, double log_sum) {
  if (z.penalties.data) z.penalties[row] = static_cast<float>(static_cast<double>(z.weight) * log_sum * log_sum);
}

double log_sum_of(double sum, float largest) { return std::log(sum) + static_cast<double>(largest); }

float loss_of(double sum, float largest, float at_target) {
  return static_cast<float>(std::log(sum) + (static_cast<double>(largest) - static_cast<double>(at_target)));
}

void scale_by(float factor, float* x, std::int64_t count) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) x[i] *= factor;
}

// The loss of one row, whose logits give way to their gradient.
float replace_row(View<float> logits, std::int64_t row, std::int32_t target, float scale, const ZPenalty& z) {
  const std::int64_t columns = logits.dim(1);
  float* x = logits.row(row);
  if (target == kIgnoredTarget) {
    std::fill_n(x, columns, 0.0F);
    put_penalty(z, row, 0.0);
    return 0.0F;
  }
  const float largest = largest_of(x, columns), at_target = x[target];
  const double sum = sum_by_chunks(x, largest, columns, write_exp);
  double factor = static_cast<double>(scale) / sum;
  if (z.weight != 0.0F) {
    const double log_sum = log_sum_of(sum, largest);
    put_penalty(z, row, log_sum);
    factor *= 1.0 + 2.0 * static_cast<double>(z.weight) * log_sum;
  }
  scale_by(static_cast<float>(factor), x, columns);
  x[target] -= scale;
  return loss_of(sum, largest, at_target);
}

float row_loss(View<const float> logits, std::int64_t row, std::int32_t target, const ZPenalty& z) {
  if (target == kIgnoredTarget) {
    put_penalty(z, row, 0.0);
    return 0.0F;
  }
  const std::int64_t columns = logits.dim(1);
  const float* x = logits.row(row);
  const float largest = largest_of(x, columns);
  const double sum = sum_by_chunks(x, largest, columns, sum_of_exp);
  put_penalty(z, row, log_sum_of(sum, largest));
  return loss_of(sum, largest, x[target]);
}

void check_targets(View<const std::int32_t> targets, std::int64_t classes) {
  for (std::int64_t row = 0; row < targets.count(); ++row) {
    const std::int32_t target = targets[row];
    if ((target < 0 || target >= classes) && target != kIgnoredTarget)
      throw DataError(text("cross_entropy: target ", target, " in row ", row, " is outside the model's vocabulary [0, ",
                           classes, "); train on data whose vocabulary fits, or enlarge the model's"));
  }
}

}  // namespace

void cross_entropy(CpuQueue, View<const float> logits, View<const std::int32_t> targets, View<float> losses,
                   const ZPenalty& z) {
  const std::int64_t columns = logits.dim(1);
  check_targets(targets, columns);
  parallel_for(logits.dim(0), row_grain(columns), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) losses[row] = row_loss(logits, row, targets[row], z);
  });
}

void cross_entropy_in_place(CpuQueue, View<float> logits, View<const std::int32_t> targets, View<const float> scale,
                            View<float> losses, const ZPenalty& z) {
  const std::int64_t columns = logits.dim(1);
  check_targets(targets, columns);
  parallel_for(logits.dim(0), row_grain(columns), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) losses[row] = replace_row(logits, row, targets[row], scale[0], z);
  });
}

void cross_entropy_total(CpuQueue, View<const float> losses, View<const float> scale, View<float> total) {
  const double sum = sum_of_blocks(losses.count(), [&](std::int64_t begin, std::int64_t end) {
    double block = 0.0;
    for (std::int64_t row = begin; row < end; ++row) block += static_cast<double>(losses[row]);
    return block;
  });
  total[0] = static_cast<float>(static_cast<double>(scale[0]) * sum);
}

void cross_entropy_backward(CpuQueue, View<float> gradient, View<const float> factor) {
  if (factor[0] == 1.0F) return;
  for_each_block(gradient.count(), [&](std::int64_t begin, std::int64_t end) {
    scale_by(factor[0], gradient.data + begin, end - begin);
  });
}

}  // namespace isobath::kernel
