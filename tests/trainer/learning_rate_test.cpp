// The course of the learning rate at the points that its definition names.
#include <cmath>

#include <gtest/gtest.h>

#include "trainer/optim/schedule.hpp"

namespace isobath {
namespace {

constexpr std::int64_t kSteps = 100;

OptimConfig config_of(Schedule schedule) {
  OptimConfig config;
  config.learning_rate = 8.0;
  config.min_lr_ratio = 0.25;
  config.warmup_steps = 10;
  config.schedule = schedule;
  return config;
}

TEST(LearningRate, WarmsUpLinearly) {
  for (Schedule schedule : {Schedule::Cosine, Schedule::Constant, Schedule::WarmupStableDecay}) {
    const OptimConfig config = config_of(schedule);
    for (std::int64_t step = 0; step < 10; ++step)
      EXPECT_DOUBLE_EQ(learning_rate_at(config, kSteps, step), 0.8 * static_cast<double>(step + 1));
    EXPECT_DOUBLE_EQ(learning_rate_at(config, kSteps, 10), 8.0);
  }
}

TEST(LearningRate, CosineIsHalfWayInTheMiddleAndStaysAtItsEnd) {
  OptimConfig config = config_of(Schedule::Cosine);
  EXPECT_DOUBLE_EQ(learning_rate_at(config, kSteps, 55), 5.0);
  EXPECT_DOUBLE_EQ(learning_rate_at(config, kSteps, 100), 2.0);
  EXPECT_DOUBLE_EQ(learning_rate_at(config, kSteps, 1000), 2.0);
  config.decay_steps = 60;
  EXPECT_DOUBLE_EQ(learning_rate_at(config, kSteps, 35), 5.0);
}

TEST(LearningRate, ConstantNeverFalls) {
  EXPECT_EQ(learning_rate_at(config_of(Schedule::Constant), kSteps, 5000), 8.0);
}

TEST(LearningRate, StableThenCoolsDown) {
  OptimConfig config = config_of(Schedule::WarmupStableDecay);
  EXPECT_EQ(learning_rate_at(config, kSteps, 79), 8.0);
  EXPECT_EQ(learning_rate_at(config, kSteps, 80), 8.0) << "a fifth of the run is the cool-down";
  EXPECT_DOUBLE_EQ(learning_rate_at(config, kSteps, 85), 5.0) << "the root of a quarter is a half";
  EXPECT_DOUBLE_EQ(learning_rate_at(config, kSteps, 100), 2.0);
  EXPECT_DOUBLE_EQ(learning_rate_at(config, kSteps, 200), 2.0);
  config.cooldown_steps = 40;
  config.cooldown_shape = CooldownShape::Linear;
  EXPECT_EQ(learning_rate_at(config, kSteps, 60), 8.0);
  EXPECT_DOUBLE_EQ(learning_rate_at(config, kSteps, 80), 5.0);
}

}  // namespace
}  // namespace isobath
