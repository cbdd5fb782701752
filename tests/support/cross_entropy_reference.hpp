#pragma once
// Cross-entropy in double precision, with a bound on the error of an f32 evaluation.

#include "ops/cross_entropy/cross_entropy.hpp"
#include "ops_dense/exact.hpp"

namespace isobath::test {

/// Logits and targets of one call.
struct Problem {
  std::int64_t rows, classes;
  float spread = 3.0F;
  float scale = 0.125F;

  std::vector<float> logits() const { return random_values(rows * classes, 7, spread); }
  /// Every fifth row is ignored.
  std::vector<std::int32_t> targets() const {
    std::vector<std::int32_t> out;
    for (std::int64_t row = 0; row < rows; ++row)
      out.push_back(row % 5 == 3 ? kIgnoredTarget : static_cast<std::int32_t>(row * 31 % classes));
    return out;
  }
};

struct Reference {
  Exact losses, gradient, total;
};

/// Roundings of the sum over a row of `classes` terms, and of its terms.
using SumRoundings = double (*)(std::int64_t classes);

/// On the CPU e^ adds 1.5 ulp = 3 epsilon, and the sum one epsilon for each term of a chunk of 1024.
inline double roundings_in_chunks(std::int64_t classes) { return 4.0 + std::min(1024.0, static_cast<double>(classes)); }

/// One row. The f32 difference x - largest is off by epsilon |x - largest|, which e^ turns into a relative error.
inline void refer_row(const std::vector<double>& x, std::int32_t target, const Problem& problem, double roundings,
                      std::size_t row, Reference& out) {
  const double scale = problem.scale;
  const auto classes = static_cast<std::size_t>(out.gradient.columns);
  const double* z = &x[row * classes];
  const double largest = *std::max_element(z, z + classes);
  double sum = 0.0, distance = 0.0;
  for (std::size_t c = 0; c < classes; ++c) {
    sum += std::exp(z[c] - largest);
    distance += std::exp(z[c] - largest) * (largest - z[c]);
  }
  const double sum_error = kEpsilon * (distance / sum + roundings);
  out.losses.value[row] = std::log(sum) + largest - z[target];
  out.losses.error[row] = sum_error + kEpsilon * out.losses.value[row];
  for (std::size_t c = 0; c < classes; ++c) {
    const double p = std::exp(z[c] - largest) / sum, hit = static_cast<std::int32_t>(c) == target ? 1.0 : 0.0;
    const double relative = sum_error + kEpsilon * (7.0 + largest - z[c]);
    out.gradient.value[row * classes + c] = scale * (p - hit);
    // e^ flushes what is below 2^-126
    out.gradient.error[row * classes + c] = scale * (p * relative + hit * kEpsilon + 0x1p-126);
  }
}

inline Reference reference_of(const Problem& problem, SumRoundings roundings = roundings_in_chunks) {
  Reference out{Exact(1, problem.rows), Exact(problem.rows, problem.classes), Exact(1, 1)};
  const std::vector<double> x = to_doubles(problem.logits());
  const std::vector<std::int32_t> targets = problem.targets();
  for (std::size_t row = 0; row < targets.size(); ++row)
    if (targets[row] != kIgnoredTarget) refer_row(x, targets[row], problem, roundings(problem.classes), row, out);
  for (std::size_t row = 0; row < targets.size(); ++row) {
    out.total.value[0] += problem.scale * out.losses.value[row];
    out.total.error[0] += problem.scale * out.losses.error[row];
  }
  out.total = rounded(out.total);
  return out;
}

inline constexpr Problem kProblems[] = {{1, 1},
                                        {4, 1},
                                        {1, 2},
                                        {7, 17},
                                        {65, 64},
                                        {130, 65},
                                        {3, 256},
                                        {70, 999},
                                        {2, 5000, 9.0F},
                                        {9, 50, 60.0F, 1.0F},
                                        {12, 3, 0.0F, 2.0F},
                                        {0, 9}};

/// What a z-loss of `weight` adds to the reference: scale weight L^2 a row, and scale 2 weight L p to its gradient.
inline Exact with_z_loss(const Problem& problem, double weight, Reference& want) {
  Exact penalty(1, 1);
  const std::vector<double> x = to_doubles(problem.logits());
  const auto classes = static_cast<std::size_t>(problem.classes);
  const std::vector<std::int32_t> targets = problem.targets();
  for (std::size_t row = 0; row < targets.size(); ++row) {
    if (targets[row] == kIgnoredTarget) continue;
    const auto target = static_cast<std::size_t>(targets[row]);
    // the loss is L - x[target]
    const double log_sum = want.losses.value[row] + x[row * classes + target], error = want.losses.error[row];
    const double furthest = std::abs(log_sum) + error;
    penalty.value[0] += problem.scale * weight * log_sum * log_sum;
    penalty.error[0] += problem.scale * weight * furthest * (2.0 * error + 3.0 * kEpsilon * furthest);
    for (std::size_t c = 0; c < classes; ++c) {
      const std::size_t at = row * classes + c;
      const double p = want.gradient.value[at] / problem.scale + (c == target ? 1.0 : 0.0);
      want.gradient.error[at] *= 1.0 + 2.0 * weight * furthest;
      want.gradient.error[at] += problem.scale * 2.0 * weight * p * (error + 2.0 * kEpsilon * furthest);
      want.gradient.value[at] += problem.scale * 2.0 * weight * log_sum * p;
    }
  }
  return rounded(penalty);
}

}  // namespace isobath::test
