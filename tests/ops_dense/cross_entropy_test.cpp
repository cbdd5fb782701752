// Cross-entropy against double precision: loss, gradient in the logits' storage, ignored rows, scale, bad targets.
#include "ops/cross_entropy/cross_entropy.hpp"

#include <gtest/gtest.h>

#include "ops/add/add.hpp"
#include "ops/core/threads.hpp"
#include "support/cross_entropy_reference.hpp"
#include "support/grad_check.hpp"

namespace isobath {
namespace {

using test::Exact;
using test::kProblems;
using test::Problem;
using test::Reference;
using test::reference_of;
using test::with_z_loss;

Tensor scalar(float value) { return Tensor::from(Shape{1}, std::vector<float>{value}); }
Tensor targets_of(const Problem& problem) { return Tensor::from(Shape{problem.rows}, problem.targets()); }

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
