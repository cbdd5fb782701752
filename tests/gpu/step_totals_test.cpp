// tally and step_control on each device: numbers of a step that gather where they are made. The arithmetic is a few
// operations in f64, each rounded as IEEE 754 says: equal bits on every device.

#include "gpu/devices.hpp"
#include "ops/adamw/adamw.hpp"
#include "ops/step_control/step_control.hpp"
#include "ops/tally/tally.hpp"

namespace isobath {
namespace {

using namespace test;

class StepTotals : public OnDevice {
 protected:
  static Tensor doubles(const std::vector<double>& values) {
    return Tensor::from(Shape{static_cast<std::int64_t>(values.size())}, values, device());
  }
  static Tensor floats(const std::vector<float>& values) {
    return Tensor::from(Shape{static_cast<std::int64_t>(values.size())}, values, device());
  }
};

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

TEST_P(StepTotals, TallyAddsToOneNumber) {
  const Tensor totals = doubles({1.0, 2.0, 3.0});
  tally(totals, 1, floats({0.1F}));
  tally(totals, 2, 0.7);
  tally(totals, 2, 0.7);
  EXPECT_EQ(totals.to_vector<double>(), (std::vector<double>{1.0, 2.0 + double(0.1F), 3.0 + 0.7 + 0.7}));
}

TEST_P(StepTotals, BinsCountWhatLiesInThem) {
  for (const std::int64_t count : {0, 1, 5000}) {
    std::vector<float> values = random_values(count, 3, 0.7F);  // some below 0, none above 0.7
    if (count > 4) values[0] = 1.0F, values[1] = 7.0F, values[2] = 0.5F, values[3] = -1.0F;
    const Tensor totals = doubles({9.0, 1.0, 0.0, 0.0, 2.0, 9.0});
    tally_bins(totals, 1, floats(values), 4);
    std::vector<double> want{9.0, 1.0, 0.0, 0.0, 2.0, 9.0};
    for (const float value : values) want[value < 0.25F ? 1 : value < 0.5F ? 2 : value < 0.75F ? 3 : 4] += 1.0;
    EXPECT_EQ(totals.to_vector<double>(), want) << count;
  }
}

TEST_P(StepTotals, ReciprocalOfNothingIsNothing) {
  EXPECT_EQ(reciprocal(doubles({0.0})).to_vector<float>()[0], 0.0F);
  EXPECT_EQ(reciprocal(doubles({3.0})).to_vector<float>()[0], static_cast<float>(1.0 / 3.0));
}

TEST_P(StepTotals, ControlClipsOnlyAboveTheLargestNorm) {
  const auto scale_of = [](double squares, double max_norm) {
    const Tensor control = doubles({-1.0, -1.0, -1.0, -1.0});
    step_control(doubles({squares}), doubles({2.5}), {.learning_rate = 0.1, .max_norm = max_norm, .update_index = 7},
                 control);
    const auto out = control.to_vector<double>();
    EXPECT_EQ(out[kLearningRate], 0.1);
    EXPECT_EQ(out[kUpdateIndex], 7.0);
    EXPECT_EQ(out[kGo], 1.0);
    return out[kGradientScale];
  };
  EXPECT_EQ(scale_of(9.0, 1.5), 0.5);
  EXPECT_EQ(scale_of(2.0, 1.5), 1.0);
  EXPECT_EQ(scale_of(9.0, 0.0), 1.0);
  EXPECT_EQ(scale_of(3.0, 1.5), 1.5 / std::sqrt(3.0));
}

TEST_P(StepTotals, ControlStopsWhatIsNotFiniteAndSpikes) {
  const auto goes = [](double squares, double loss, double limit) {
    const Tensor control = doubles({-1.0, -1.0, -1.0, -1.0});
    step_control(doubles({squares}), doubles({loss}), {.loss_limit = limit}, control);
    return control.to_vector<double>()[kGo];
  };
  EXPECT_EQ(goes(4.0, 2.0, kInfinity), 1.0);
  EXPECT_EQ(goes(4.0, 2.0, 2.0), 1.0);
  EXPECT_EQ(goes(4.0, 2.0, 1.9), 0.0);
  EXPECT_EQ(goes(kNaN, 2.0, kInfinity), 0.0);
  EXPECT_EQ(goes(kInfinity, 2.0, kInfinity), 0.0);
  EXPECT_EQ(goes(4.0, kNaN, kInfinity), 0.0);
  EXPECT_EQ(goes(4.0, kInfinity, kInfinity), 0.0);
  EXPECT_EQ(goes(4.0, -kInfinity, kInfinity), 0.0);
}

ON_EVERY_DEVICE(StepTotals);

}  // namespace
}  // namespace isobath
