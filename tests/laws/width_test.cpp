// muP: what a few steps of Adam change in each layer does not depend on the width, and at the base width nothing is
// new.

#include "laws/small_run.hpp"

namespace isobath::test {
namespace {

constexpr std::int64_t kBase = 32, kHeadWidth = 16;

/// Heads of 16 channels, as many as the width has room for.
RunConfig config_of(Kind kind, std::int64_t width, std::int64_t base) {
  RunConfig config = small_config(kind);
  config.model.width = width;
  config.model.heads = width / kHeadWidth;
  config.model.kv_heads = 0;
  config.model.mup_base_width = base;
  return config;
}

/// Runs every block on every row and keeps what entered it.
class Probe final : public Router {
 public:
  std::string rule() const override { return "probe"; }
  bool is_causal() const override { return true; }
  bool routes(int) const override { return true; }
  Route route(int, const Streams& streams, const RoutingContext& context) const override {
    seen.push_back(streams.entering.to_vector<float>());
    return Route::dense(context.batch, context.length);
  }

  mutable std::vector<std::vector<float>> seen;
};

/// What enters each block, the final norm's rows and the logits.
std::vector<std::vector<float>> activations(const Replica& replica, const Batch& batch) {
  const NoGrad no_grad;
  const Probe probe;
  const Tensor hidden = replica.model.forward(input_of(batch), probe, Phase::Evaluation, 0).hidden;
  probe.seen.push_back(hidden.to_vector<float>());
  probe.seen.push_back(replica.model.logits(hidden).to_vector<float>());
  return probe.seen;
}

double root_mean_square(const std::vector<float>& after, const std::vector<float>& before) {
  double sum = 0.0;
  for (std::size_t i = 0; i < after.size(); ++i) sum += std::pow(double(after[i]) - double(before[i]), 2);
  return std::sqrt(sum / static_cast<double>(after.size()));
}

/// Root mean square of what four steps changed, by layer.
std::vector<double> changes(Family family, std::int64_t width, std::int64_t base) {
  RunConfig config = config_of({family, DepthPolicy::Dense}, width, base);
  config.model.init_deviation = 0.18;  // 1 / sqrt(32): at the base width, products keep their size
  config.optim.schedule = Schedule::Constant;
  config.optim.learning_rate = 3e-3;
  config.optim.weight_decay = 0.0;
  config.optim.clip_norm = 0.0;
  Replica replica(config, device(), 1);
  SelfCommunicator alone;
  Trainer trainer(config, replica, alone);
  const Batch held = small_batch(config, 100);
  const auto before = activations(replica, held);
  for (int step = 0; step < 4; ++step) trainer.step(small_batch(config, step));
  const auto after = activations(replica, held);
  std::vector<double> out;
  for (std::size_t layer = 0; layer < after.size(); ++layer)
    out.push_back(root_mean_square(after[layer], before[layer]));
  return out;
}

/// By layer, the largest change over the smallest, and the change at the last width over that at the first.
struct Course {
  std::vector<double> spread, growth;
};

Course course_of(Family family, std::int64_t base) {
  const std::vector<std::int64_t> widths{32, 64, 128, 256};
  std::vector<std::vector<double>> by_width;
  for (const std::int64_t width : widths) by_width.push_back(changes(family, width, base));
  Course course;
  for (std::size_t layer = 0; layer < by_width[0].size(); ++layer) {
    std::vector<double> of_layer;
    for (const auto& row : by_width) of_layer.push_back(row[layer]);
    const auto [least, most] = std::minmax_element(of_layer.begin(), of_layer.end());
    course.spread.push_back(*most / *least);
    course.growth.push_back(of_layer.back() / of_layer.front());
  }
  return course;
}

class Width : public testing::TestWithParam<Family> {};

TEST_P(Width, LeavesWhatStepsChangeAsItIs) {
  const Course scaled = course_of(GetParam(), kBase);
  for (std::size_t layer = 0; layer < scaled.spread.size(); ++layer)
    EXPECT_LT(scaled.spread[layer], 2.0) << "layer " << layer << ", grown by " << scaled.growth[layer];
}

TEST_P(Width, WithoutMupMakesStepsLarger) {
  const Course off = course_of(GetParam(), 0);
  const std::size_t last_stream = off.growth.size() - 3, logits = off.growth.size() - 1;
  EXPECT_GT(off.growth[last_stream], 3.0);
  EXPECT_GT(off.growth[logits], 3.0);
}

INSTANTIATE_TEST_SUITE_P(Laws, Width, testing::Values(Family::Paper, Family::Modern),
                         [](const auto& info) { return std::string(name_of(info.param)); });

class BaseWidth : public testing::TestWithParam<Kind> {};

std::vector<float> trained(const RunConfig& config) {
  Replica replica(config, device(), 1);
  SelfCommunicator alone;
  Trainer trainer(config, replica, alone);
  for (int step = 0; step < 3; ++step) trainer.step(small_batch(config, step));
  return replica.parameters.values().to_vector<float>();
}

TEST_P(BaseWidth, IsTheModelWithoutMupToTheBit) {
  EXPECT_EQ(trained(config_of(GetParam(), kBase, kBase)), trained(config_of(GetParam(), kBase, 0)));
}

/// Factors on start and rate at four times the base: inside 1/2 and 1/4, with one output 1/4 and 1/4.
struct Factors {
  float start, rate;
};

Factors expected(const std::string& name) {
  const bool is_matrix = name.ends_with(".weight") && name != "head.weight";
  if (!is_matrix) return {1.0F, 1.0F};
  if (name.ends_with(".score.weight") || name.ends_with(".predictor.down.weight")) return {0.25F, 0.25F};
  // A Token-Selective router starts uniform in 1 / sqrt(inputs), which has fallen by 1/2 of itself.
  if (name.starts_with("routers.") && !name.ends_with(".predictor.up.weight"))
    return {name.ends_with(".up.weight") ? 1.0F : 0.5F, 0.25F};
  return {0.5F, 0.25F};
}

TEST_P(BaseWidth, FourfoldScalesWhatTheTableSays) {
  const Replica off(config_of(GetParam(), 4 * kBase, 0), device(), 1);
  const Replica scaled(config_of(GetParam(), 4 * kBase, kBase), device(), 1);
  for (std::size_t i = 0; i < off.parameters.parameters().size(); ++i) {
    const Parameter &plain = *off.parameters.parameters()[i], &wide = *scaled.parameters.parameters()[i];
    const Factors factors = expected(plain.name);
    EXPECT_EQ(plain.rate, 1.0F) << plain.name;
    EXPECT_EQ(wide.rate, factors.rate) << plain.name;
    std::vector<float> values = plain.value.to_vector<float>();
    for (float& value : values) value *= factors.start;  // by powers of two: exact
    EXPECT_EQ(wide.value.to_vector<float>(), values) << plain.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Laws, BaseWidth, every_kind(), name_of_kind);

}  // namespace
}  // namespace isobath::test
