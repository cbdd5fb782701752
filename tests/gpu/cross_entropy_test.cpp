// Cross-entropy, its z-loss and its gradient on each device, against double precision.

#include "ops/cross_entropy/cross_entropy.hpp"

#include <utility>

#include "gpu/devices.hpp"
#include "gpu/placed_run.hpp"
#include "ops/autograd/tape.hpp"
#include "support/cross_entropy_reference.hpp"

namespace isobath {
namespace {

using test::Exact;
using test::kProblems;
using test::Problem;
using test::Reference;
using test::within;

class CrossEntropy : public test::OnDevice {};

// On a device a thread sums at most classes / 256 + 4 terms: one rounding for each, and five for raising its maximum
// (e^ by 2 ulp = 4 epsilon, as CUDA promises, and a product). Ten mergings of sums cost five each, a term's e^ four.
double roundings_by_threads(std::int64_t classes) {
  return 4.0 + 6.0 * (static_cast<double>(classes) / 256.0 + 4.0) + 50.0;
}

Reference reference_on(Device device, const Problem& problem) {
  return test::reference_of(problem, device.is_cpu() ? test::roundings_in_chunks : roundings_by_threads);
}

Tensor scalar(float value, Device device) { return Tensor::from(Shape{1}, std::vector<float>{value}, device); }
Tensor targets_of(const Problem& problem, Device device) {
  return Tensor::from(Shape{problem.rows}, problem.targets(), device);
}
Tensor logits_of(const Problem& problem, std::int64_t offset, Device device) {
  return test::shifted(Shape{problem.rows, problem.classes}, problem.logits(), offset, device);
}

TEST_P(CrossEntropy, LossPerRow) {
  for (const Problem& problem : kProblems)
    for (const std::int64_t offset : {0, 1}) {
      const Tensor logits = logits_of(problem, offset, device());
      EXPECT_TRUE(
          within(cross_entropy_per_row(logits, targets_of(problem, device())), reference_on(device(), problem).losses))
          << problem.rows << ' ' << problem.classes << " offset " << offset;
      EXPECT_TRUE(test::equal_bits(logits.to_vector<float>(), problem.logits()));
    }
}

struct Trained {
  float loss;
  Tensor gradient;
};

// Through the op and the tape, with `factor` flowing into the loss.
Trained train(const Problem& problem, std::int64_t offset, float factor, Device device) {
  Tensor logits = logits_of(problem, offset, device);
  logits.set_grad_slot(std::make_shared<GradSlot>(logits.shape(), DType::F32, device));
  const std::shared_ptr<GradSlot> slot = logits.grad_slot();
  const Tensor loss = cross_entropy(std::move(logits), targets_of(problem, device), scalar(problem.scale, device));
  Tensor end = Tensor::empty(Shape{1}, DType::F32, device);
  record("end", {&loss}, end, [&](const Tensor&, const InputGrads& inputs) { inputs.add(0, scalar(factor, device)); });
  backward(end);
  return {loss.to_vector<float>()[0], slot->gradient()};
}

void expect_loss_and_gradient(const Problem& problem, std::int64_t offset, Device device) {
  const Reference want = reference_on(device, problem);
  const Trained got = train(problem, offset, 1.0F, device);
  EXPECT_NEAR(got.loss, want.total.value[0], want.total.error[0]) << problem.rows << ' ' << problem.classes;
  EXPECT_TRUE(within(got.gradient, want.gradient)) << problem.rows << ' ' << problem.classes << " at " << offset;
}

TEST_P(CrossEntropy, LossAndGradient) {
  for (const Problem& problem : kProblems)
    for (const std::int64_t offset : {0, 1}) expect_loss_and_gradient(problem, offset, device());
}

// On a device a block keeps 40960 logits of its row, and reads the others twice.
TEST_P(CrossEntropy, LossAndGradientOfRowsThatDoNotFit) {
  for (const Problem& problem : {Problem{3, 41472}, Problem{2, 41003}}) expect_loss_and_gradient(problem, 0, device());
}

TEST_P(CrossEntropy, AFactorOnTheLossReachesTheGradient) {
  for (const Problem& problem : {Problem{9, 20}, Problem{7, 17}}) {
    Exact want = reference_on(device(), problem).gradient;
    for (double& value : want.value) value *= 3.0;
    for (double& error : want.error) error *= 3.0;
    EXPECT_TRUE(within(train(problem, 0, 3.0F, device()).gradient, test::rounded(want)));
  }
}

// As many packs as threads, one more, a short one, and a block of threads that is full: none reaches behind the end.
TEST_P(CrossEntropy, AFactorReachesNothingButTheGradient) {
  for (const std::int64_t count : {8, 9, 4096, 4100})
    for (const std::int64_t offset : {0, 1}) {
      constexpr float kBegin = 0.5F, kFactor = 3.0F;
      const test::GuardedBuffer buffer(Shape{count}, kBegin, DType::F32, {device(), offset});
      const Tensor factor = scalar(kFactor, device());
      on_queue_of(device(), [&](auto queue) {
        kernel::cross_entropy_backward(queue, buffer.gradient.view<float>(), factor.view<const float>());
      });
      EXPECT_TRUE(test::equal_bits(buffer.gradient.to_vector<float>(),
                                   std::vector<float>(static_cast<std::size_t>(count), kBegin * kFactor)));
      buffer.expect_untouched_outside(kBegin);
    }
}

TEST_P(CrossEntropy, ZLossAndItsGradient) {
  constexpr float kWeight = 0.5F;
  for (const Problem& problem : kProblems) {
    Reference want = reference_on(device(), problem);
    const Exact penalty = test::with_z_loss(problem, static_cast<double>(kWeight), want);
    const Tensor logits = logits_of(problem, 0, device()), targets = targets_of(problem, device());
    const Tensor scale = scalar(problem.scale, device()), total = scalar(0.0F, device());
    const Tensor losses = Tensor::empty(targets.shape(), DType::F32, device()),
                 penalties = Tensor::empty(targets.shape(), DType::F32, device());
    on_queue_of(device(), [&](auto queue) {
      kernel::cross_entropy_in_place(queue, logits.view<float>(), targets.view<const std::int32_t>(),
                                     scale.view<const float>(), losses.view<float>(),
                                     {kWeight, penalties.view<float>()});
      kernel::cross_entropy_total(queue, penalties.view<const float>(), scale.view<const float>(), total.view<float>());
    });
    EXPECT_TRUE(within(losses, want.losses)) << problem.rows << ' ' << problem.classes;
    EXPECT_TRUE(within(total, penalty)) << problem.rows << ' ' << problem.classes;
    EXPECT_TRUE(within(logits, want.gradient)) << problem.rows << ' ' << problem.classes;
  }
}

// More losses than the block that sums them has threads; every value is a multiple of a power of two, so that the sum
// is exact in f64.
TEST_P(CrossEntropy, TotalsAreSummedInDoublePrecision) {
  std::vector<float> losses(5000, 0x1p-20F);
  losses[0] = 1.0F;
  const Tensor on_device = Tensor::from(Shape{5000}, losses, device()), total = scalar(0.0F, device());
  const Tensor scale = scalar(2.0F, device());
  on_queue_of(device(), [&](auto queue) {
    kernel::cross_entropy_total(queue, on_device.view<const float>(), scale.view<const float>(), total.view<float>());
  });
  EXPECT_EQ(total.to_vector<float>()[0], 2.0F * static_cast<float>(1.0 + 4999.0 * 0x1p-20));
}

float loss_of(const std::vector<float>& logits, std::int32_t target, Device device) {
  return cross_entropy_per_row(Tensor::from(Shape{1, static_cast<std::int64_t>(logits.size())}, logits, device),
                               Tensor::from(Shape{1}, std::vector<std::int32_t>{target}, device))
      .to_vector<float>()[0];
}

TEST_P(CrossEntropy, SpecialLogits) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> logits(70, -kInfinity);
  EXPECT_TRUE(std::isnan(loss_of(logits, 3, device())));
  logits[68] = logits[2] = 5.0F;  // all others are impossible
  EXPECT_NEAR(loss_of(logits, 68, device()), std::log(2.0), 1e-6);
  EXPECT_EQ(loss_of(logits, 3, device()), kInfinity);
  for (const float bad : {kNaN, kInfinity}) {
    logits[66] = bad;
    EXPECT_FALSE(std::isfinite(loss_of(logits, 68, device())));
  }
}

ON_EVERY_DEVICE(CrossEntropy);

// The host does not look into the device, and the row must not look like a good one.
TEST(CrossEntropyOnCuda, ATargetOutsideTheVocabularyGivesNaN) {
  if (cuda_device_count() == 0) GTEST_SKIP() << "no GPU: " << cuda_status();
  const Device device = Device::cuda(0);
  for (const std::int32_t bad : {4, -2, 1 << 30}) {
    const Tensor logits = Tensor::zeros(Shape{3, 4}, DType::F32, device);
    const Tensor targets = Tensor::from(Shape{3}, std::vector<std::int32_t>{0, bad, 3}, device);
    const auto losses = cross_entropy_per_row(logits, targets).to_vector<float>();
    EXPECT_TRUE(std::isfinite(losses[0]) && std::isnan(losses[1]) && std::isfinite(losses[2])) << bad;
    const Tensor scale = scalar(1.0F, device), in_place = Tensor::empty(Shape{3}, DType::F32, device);
    on_queue_of(device, [&](auto queue) {
      kernel::cross_entropy_in_place(queue, logits.view<float>(), targets.view<const std::int32_t>(),
                                     scale.view<const float>(), in_place.view<float>());
    });
    const auto gradient = logits.to_vector<float>();
    for (std::size_t i = 0; i < 12; ++i) EXPECT_EQ(std::isnan(gradient[i]), i / 4 == 1) << bad << ' ' << i;
  }
}

}  // namespace
}  // namespace isobath
