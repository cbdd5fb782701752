// Cross-entropy against double precision: loss, gradient in the logits' storage, ignored rows, scale, bad targets.
#include "ops/cross_entropy/cross_entropy.hpp"

#include <gtest/gtest.h>

#include "ops/add/add.hpp"
#include "ops/core/threads.hpp"
#include "ops_dense/exact.hpp"
#include "support/grad_check.hpp"

namespace isobath {
namespace {

using test::Exact;

struct Problem {
  std::int64_t rows, classes;
  float spread = 3.0F;
  float scale = 0.125F;

  std::vector<float> logits() const { return test::random_values(rows * classes, 7, spread); }
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

// One row. The f32 difference x - largest is off by epsilon |x - largest|, which e^ turns into a relative error; e^
// adds 1.5 ulp = 3 epsilon and the sum one epsilon for each term of a chunk of 1024.
void refer_row(const std::vector<double>& x, std::int32_t target, double scale, std::size_t row, Reference& out) {
  const auto classes = static_cast<std::size_t>(out.gradient.columns);
  const double* z = &x[row * classes];
  const double largest = *std::max_element(z, z + classes);
  double sum = 0.0, distance = 0.0;
  for (std::size_t c = 0; c < classes; ++c) {
    sum += std::exp(z[c] - largest);
    distance += std::exp(z[c] - largest) * (largest - z[c]);
  }
  const double sum_error = test::kEpsilon * (4.0 + distance / sum + std::min<double>(1024.0, double(classes)));
  out.losses.value[row] = std::log(sum) + largest - z[target];
  out.losses.error[row] = sum_error + test::kEpsilon * out.losses.value[row];
  for (std::size_t c = 0; c < classes; ++c) {
    const double p = std::exp(z[c] - largest) / sum, hit = static_cast<std::int32_t>(c) == target ? 1.0 : 0.0;
    const double relative = sum_error + test::kEpsilon * (7.0 + largest - z[c]);
    out.gradient.value[row * classes + c] = scale * (p - hit);
    // e^ flushes what is below 2^-126
    out.gradient.error[row * classes + c] = scale * (p * relative + hit * test::kEpsilon + 0x1p-126);
  }
}

Reference reference_of(const Problem& problem) {
  Reference out{Exact(1, problem.rows), Exact(problem.rows, problem.classes), Exact(1, 1)};
  const std::vector<double> x = test::to_doubles(problem.logits());
  const std::vector<std::int32_t> targets = problem.targets();
  for (std::size_t row = 0; row < targets.size(); ++row)
    if (targets[row] != kIgnoredTarget) refer_row(x, targets[row], problem.scale, row, out);
  for (std::size_t row = 0; row < targets.size(); ++row) {
    out.total.value[0] += problem.scale * out.losses.value[row];
    out.total.error[0] += problem.scale * out.losses.error[row];
  }
  out.total = test::rounded(out.total);
  return out;
}

Tensor scalar(float value) { return Tensor::from(Shape{1}, std::vector<float>{value}); }
Tensor targets_of(const Problem& problem) { return Tensor::from(Shape{problem.rows}, problem.targets()); }

constexpr Problem kProblems[] = {{1, 1},
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

TEST(CrossEntropy, LossPerRow) {
  for (const Problem& problem : kProblems) {
    const Tensor logits = Tensor::from(Shape{problem.rows, problem.classes}, problem.logits());
    EXPECT_TRUE(test::within(cross_entropy_per_row(logits, targets_of(problem)), reference_of(problem).losses))
        << problem.rows << ' ' << problem.classes;
    EXPECT_EQ(logits.to_vector<float>(), problem.logits());
  }
}

TEST(CrossEntropy, LossAndGradient) {
  for (const Problem& problem : kProblems) {
    const Reference want = reference_of(problem);
    test::LeafTensor leaf = test::make_leaf({problem.rows, problem.classes}, problem.logits());
    const Tensor loss = cross_entropy(std::move(leaf.value), targets_of(problem), scalar(problem.scale));
    EXPECT_FALSE(leaf.value.defined());
    EXPECT_TRUE(test::within(loss, want.total)) << problem.rows << ' ' << problem.classes;
    backward(loss);
    EXPECT_TRUE(test::within(leaf.gradient, want.gradient)) << problem.rows << ' ' << problem.classes;
  }
}

/// What a z-loss of `weight` adds to the reference: scale weight L^2 a row, and scale 2 weight L p to its gradient.
Exact with_z_loss(const Problem& problem, double weight, Reference& want) {
  Exact penalty(1, 1);
  const std::vector<double> x = test::to_doubles(problem.logits());
  const auto classes = static_cast<std::size_t>(problem.classes);
  const std::vector<std::int32_t> targets = problem.targets();
  for (std::size_t row = 0; row < targets.size(); ++row) {
    if (targets[row] == kIgnoredTarget) continue;
    const auto target = static_cast<std::size_t>(targets[row]);
    // the loss is L - x[target]
    const double log_sum = want.losses.value[row] + x[row * classes + target], error = want.losses.error[row];
    const double furthest = std::abs(log_sum) + error;
    penalty.value[0] += problem.scale * weight * log_sum * log_sum;
    penalty.error[0] += problem.scale * weight * furthest * (2.0 * error + 3.0 * test::kEpsilon * furthest);
    for (std::size_t c = 0; c < classes; ++c) {
      const std::size_t at = row * classes + c;
      const double p = want.gradient.value[at] / problem.scale + (c == target ? 1.0 : 0.0);
      want.gradient.error[at] *= 1.0 + 2.0 * weight * furthest;
      want.gradient.error[at] += problem.scale * 2.0 * weight * p * (error + 2.0 * test::kEpsilon * furthest);
      want.gradient.value[at] += problem.scale * 2.0 * weight * log_sum * p;
    }
  }
  return test::rounded(penalty);
}

TEST(CrossEntropy, ZLossAndItsGradient) {
  for (const Problem& problem : kProblems)
    for (const float weight : {1e-4F, 0.5F}) {
      Reference want = reference_of(problem);
      const Exact penalty = with_z_loss(problem, weight, want);
      test::LeafTensor leaf = test::make_leaf({problem.rows, problem.classes}, problem.logits());
      const ScoredLogits got =
          cross_entropy_with_z_loss(std::move(leaf.value), targets_of(problem), scalar(problem.scale), weight);
      EXPECT_TRUE(test::within(got.cross_entropy, want.total));
      EXPECT_TRUE(test::within(got.z_loss, penalty)) << problem.rows << ' ' << problem.classes;
      EXPECT_TRUE(test::within(got.loss, test::sum(want.total, penalty)));
      backward(got.loss);
      EXPECT_TRUE(test::within(leaf.gradient, want.gradient)) << problem.rows << ' ' << problem.classes;
    }
}

TEST(CrossEntropy, ZLossOfWeightZeroIsNothing) {
  const Problem problem{70, 999};
  std::vector<std::vector<float>> gradients, losses;
  for (const float weight : {-1.0F, 0.0F, 0.1F}) {  // -1: without
    test::LeafTensor leaf = test::make_leaf({problem.rows, problem.classes}, problem.logits());
    const Tensor scale = scalar(problem.scale);
    const ScoredLogits got =
        weight < 0.0F ? ScoredLogits{cross_entropy(std::move(leaf.value), targets_of(problem), scale), {}, {}}
                      : cross_entropy_with_z_loss(std::move(leaf.value), targets_of(problem), scale, weight);
    EXPECT_EQ(got.z_loss.defined(), weight > 0.0F);
    losses.push_back((weight < 0.0F ? got.loss : got.cross_entropy).to_vector<float>());
    backward(got.loss);
    gradients.push_back(leaf.gradient.to_vector<float>());
  }
  EXPECT_EQ(gradients[0], gradients[1]);
  EXPECT_NE(gradients[0], gradients[2]);
  EXPECT_EQ(losses[0], losses[1]);
  EXPECT_EQ(losses[0], losses[2]);
}

TEST(CrossEntropy, ZLossWithoutAGradientIsTheSame) {
  const Problem problem{9, 20};
  Tensor logits = Tensor::from(Shape{9, 20}, problem.logits());
  const float plain = cross_entropy_with_z_loss(std::move(logits), targets_of(problem), scalar(0.5F), 0.1F)
                          .z_loss.to_vector<float>()[0];
  test::LeafTensor leaf = test::make_leaf({9, 20}, problem.logits());
  EXPECT_FLOAT_EQ(plain, cross_entropy_with_z_loss(std::move(leaf.value), targets_of(problem), scalar(0.5F), 0.1F)
                             .z_loss.to_vector<float>()[0]);
  clear_tape();
}

TEST(CrossEntropy, WithoutGradientTheLogitsStay) {
  const Problem problem{9, 20};
  Tensor logits = Tensor::from(Shape{9, 20}, problem.logits());
  const Tensor kept = logits;
  EXPECT_TRUE(test::within(cross_entropy(std::move(logits), targets_of(problem), scalar(problem.scale)),
                           reference_of(problem).total));
  EXPECT_EQ(kept.to_vector<float>(), problem.logits());
}

TEST(CrossEntropy, AFactorOnTheLossReachesTheGradient) {
  const Problem problem{9, 20};
  const Exact once = reference_of(problem).gradient;
  test::LeafTensor leaf = test::make_leaf({9, 20}, problem.logits());
  const Tensor loss = cross_entropy(std::move(leaf.value), targets_of(problem), scalar(problem.scale));
  backward(add(loss, loss));
  Exact twice = once;
  for (double& value : twice.value) value *= 2.0;
  for (double& error : twice.error) error *= 2.0;
  EXPECT_TRUE(test::within(leaf.gradient, test::rounded(twice)));
}

TEST(CrossEntropy, NoSecondTensorOfThatSize) {
  const Problem problem{64, 1000};
  const Tensor x = test::make_leaf({64, 1000}, problem.logits()).value, targets = targets_of(problem);
  const Tensor scale = scalar(1.0F), other = Tensor::zeros({64, 1000}, DType::F32);
  Tensor logits = add(x, other);
  const std::int64_t before = allocator_stats(DeviceKind::Cpu).bytes_in_use;
  reset_allocator_peak(DeviceKind::Cpu);
  backward(cross_entropy(std::move(logits), targets, scale));
  const AllocatorStats after = allocator_stats(DeviceKind::Cpu);
  EXPECT_LT(after.bytes_peak - before, 64 * 1000 * 4 / 8);  // losses, partial sums, scalars
  EXPECT_LE(after.bytes_in_use, before - 64 * 1000 * 4);    // and the logits are gone with their node
}

TEST(CrossEntropy, EqualBitsForAnyNumberOfThreads) {
  const Problem problem{5000, 37};
  const int before = kernel_threads();
  std::vector<Tensor> losses, gradients;
  for (const int threads : {1, 2, 5}) {
    set_kernel_threads(threads);
    test::LeafTensor leaf = test::make_leaf({problem.rows, problem.classes}, problem.logits());
    losses.push_back(cross_entropy(std::move(leaf.value), targets_of(problem), scalar(0.37F)));
    backward(losses.back());
    gradients.push_back(leaf.gradient);
  }
  set_kernel_threads(before);
  for (std::size_t i = 1; i < losses.size(); ++i) {
    EXPECT_TRUE(test::same_bits(losses[i], losses[0]));
    EXPECT_TRUE(test::same_bits(gradients[i], gradients[0]));
  }
}

TEST(CrossEntropy, ATargetOutsideTheVocabularyIsNamed) {
  const Tensor logits = Tensor::zeros({3, 4}, DType::F32);
  for (const std::int32_t bad : {4, -2, 1 << 30}) {
    const Tensor targets = Tensor::from(Shape{3}, std::vector<std::int32_t>{0, bad, 3});
    try {
      cross_entropy_per_row(logits, targets);
      FAIL() << "target " << bad << " was accepted";
    } catch (const DataError& error) {
      const std::string message = error.what();
      EXPECT_NE(message.find(text("target ", bad, " in row 1")), std::string::npos) << message;
      EXPECT_NE(message.find("[0, 4)"), std::string::npos) << message;
    }
  }
}

TEST(CrossEntropy, ANonFiniteLogitShowsInTheLoss) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::vector<float> values = test::random_values(2 * 70, 1);
    values[70 + 66] = bad;
    const Tensor losses = cross_entropy_per_row(Tensor::from(Shape{2, 70}, values),
                                                Tensor::from(Shape{2}, std::vector<std::int32_t>{1, 2}));
    EXPECT_TRUE(std::isfinite(losses.to_vector<float>()[0]));
    EXPECT_FALSE(std::isfinite(losses.to_vector<float>()[1]));
  }
}

TEST(CrossEntropy, RefusesWhatDoesNotFit) {
  const Tensor targets = Tensor::zeros({3}, DType::I32);
  EXPECT_THROW(cross_entropy_per_row(Tensor::zeros({4, 5}, DType::F32), targets), InternalError);
  EXPECT_THROW(cross_entropy_per_row(Tensor::zeros({3, 5}, DType::BF16), targets), InternalError);
  EXPECT_THROW(cross_entropy_per_row(Tensor::zeros({3, 5}, DType::F32), Tensor::zeros({3}, DType::F32)), InternalError);
  EXPECT_THROW(cross_entropy(Tensor::zeros({3, 5}, DType::F32), targets, Tensor::zeros({2}, DType::F32)),
               InternalError);
  const test::LeafTensor leaf = test::make_leaf({3, 5}, std::vector<float>(15, 0.0F));
  Tensor second_handle = leaf.value;
  EXPECT_THROW(cross_entropy(std::move(second_handle), targets, scalar(1.0F)), InternalError);
}

}  // namespace
}  // namespace isobath
