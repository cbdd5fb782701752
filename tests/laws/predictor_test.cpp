// The predictor watches and does not touch: the trunk trains to the same bits with and without it.

#include "laws/small_run.hpp"

namespace isobath::test {
namespace {

std::map<std::string, std::vector<float>> train(const RunConfig& config, int steps) {
  Replica replica(config, device(), 1);
  SelfCommunicator alone;
  Trainer trainer(config, replica, alone);
  for (int step = 0; step < steps; ++step) trainer.step(small_batch(config, step));
  std::map<std::string, std::vector<float>> values;
  for (const Parameter* parameter : replica.parameters.parameters())
    values[parameter->name] = parameter->value.to_vector<float>();
  return values;
}

TEST(Predictor, LeavesTheTrunkAlone) {
  RunConfig with = small_config(DepthPolicy::MixtureOfDepths), without = with;
  without.depth.mixture_of_depths.predictor = false;
  // Clipping is on and bites: a predictor inside the main group's norm would show.
  with.optim.clip_norm = without.optim.clip_norm = 0.01;
  const auto watched = train(with, 6), alone = train(without, 6);
  EXPECT_GT(watched.size(), alone.size());
  for (const auto& [name, values] : alone) EXPECT_EQ(values, watched.at(name)) << name;
}

TEST(Predictor, LearnsItself) {
  const RunConfig config = small_config(DepthPolicy::MixtureOfDepths);
  const auto first = train(config, 0), later = train(config, 3);
  EXPECT_NE(first.at("routers.1.predictor.up.weight"), later.at("routers.1.predictor.up.weight"));
}

}  // namespace
}  // namespace isobath::test
