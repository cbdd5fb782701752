// The checker itself: it accepts a right gradient and reports each planted mistake.

#include "support/grad_check.hpp"

#include <gtest/gtest-spi.h>

namespace isobath::test {
namespace {

enum class Mistake { None, Scaled, OneElement, NotWritten, NeverAdds, NotANumber };

void write_gradient(const GradTarget& to, const Tensor& x, const Tensor& grad_out, Mistake mistake) {
  for (std::int64_t i = 0; i < x.count(); ++i) {
    const float value = x.view<float>()[i];
    float gradient = 3.0F * value * value * grad_out.view<float>()[i];
    if (mistake == Mistake::Scaled) gradient *= 1.05F;
    if (mistake == Mistake::OneElement && i == 2) gradient = -gradient;
    if (mistake == Mistake::NotANumber && i == 2) gradient = std::numeric_limits<float>::quiet_NaN();
    if (mistake == Mistake::NotWritten && i == 2) continue;
    float& target = to.tensor.view<float>()[i];
    const bool add = to.mode == Accumulate::Add && mistake != Mistake::NeverAdds;
    target = add ? target + gradient : gradient;
  }
}

OpUnderTest cube(Mistake mistake) {
  return [mistake](const std::vector<Tensor>& inputs) {
    const Tensor& x = inputs[0];
    Tensor out = Tensor::empty(x.shape(), DType::F32);
    for (std::int64_t i = 0; i < x.count(); ++i) out.view<float>()[i] = std::pow(x.view<float>()[i], 3.0F);
    record("cube", {&x}, out, [x, mistake](const Tensor& grad_out, const InputGrads& inputs_of_node) {
      write_gradient(inputs_of_node.target(0), x, grad_out, mistake);
    });
    return out;
  };
}

int failures_with(Mistake mistake) {
  ::testing::TestPartResultArray results;
  {
    const ::testing::ScopedFakeTestPartResultReporter reporter(
        ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &results);
    check_gradients(cube(mistake), {{Shape{4}, {0.5F, -0.7F, 0.9F, 1.1F}}});
  }
  return results.size();
}

TEST(GradCheck, AcceptsTheRightGradient) { EXPECT_EQ(failures_with(Mistake::None), 0); }
TEST(GradCheck, ReportsAScaledGradient) { EXPECT_GT(failures_with(Mistake::Scaled), 0); }
TEST(GradCheck, ReportsOneWrongElement) { EXPECT_GT(failures_with(Mistake::OneElement), 0); }
TEST(GradCheck, ReportsAnElementThatIsNotWritten) { EXPECT_GT(failures_with(Mistake::NotWritten), 0); }
TEST(GradCheck, ReportsAContributionThatOverwritesTheFirst) { EXPECT_EQ(failures_with(Mistake::NeverAdds), 1); }
TEST(GradCheck, ReportsNaN) { EXPECT_GT(failures_with(Mistake::NotANumber), 0); }

TEST(GradCheck, ReportsACheckThatCouldNotFail) {
  ::testing::TestPartResultArray results;
  {
    const ::testing::ScopedFakeTestPartResultReporter reporter(
        ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &results);
    GradCheck check;
    check.roundings = 1e5;
    check_gradients(cube(Mistake::None), {{Shape{4}, {0.5F, -0.7F, 0.9F, 1.1F}}}, check);
  }
  EXPECT_GT(results.size(), 0);
}

TEST(Compare, NaNIsNeverClose) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(close(std::vector<double>{nan}, {1.0}, {1e9, 1e9}));
  EXPECT_FALSE(close(std::vector<double>{1.0}, {nan}, {1e9, 1e9}));
  EXPECT_FALSE(close(std::vector<double>{nan}, {nan}, {1e9, 1e9}));
}

TEST(Compare, CountsAndBoundsMatter) {
  EXPECT_TRUE(close(std::vector<double>{1.0, 2.0}, {1.0, 2.02}, {0.0, 0.01}));
  EXPECT_FALSE(close(std::vector<double>{1.0, 2.0}, {1.0, 2.03}, {0.0, 0.01}));
  EXPECT_FALSE(close(std::vector<double>{1.0}, {1.0, 2.0}, {1.0, 1.0}));
  EXPECT_TRUE(close(std::vector<double>{1.0}, {1.0}, {0.0, 0.0}));
}

TEST(Compare, BitsDistinguishZeros) {
  const Tensor plus = Tensor::from(Shape{1}, std::vector<float>{0.0F});
  const Tensor minus = Tensor::from(Shape{1}, std::vector<float>{-0.0F});
  EXPECT_TRUE(same_bits(plus, plus));
  EXPECT_FALSE(same_bits(plus, minus));
}

}  // namespace
}  // namespace isobath::test
