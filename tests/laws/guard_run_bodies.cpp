// What becomes of the rest of a run when its guards act: recorded routes.

#include <map>
#include <set>

#include "laws/workplace.hpp"
#include "support/ranked/bodies.hpp"
#include "trainer/checkpoint/hdf5_trace.hpp"

namespace isobath::test {
namespace {

/// The samples of each step, all of whose routed blocks must have seen the same ones.
std::map<std::int64_t, std::set<std::int64_t>> samples_by_step(const RouteTrace& trace) {
  std::map<std::pair<std::int64_t, std::int64_t>, std::set<std::int64_t>> by_block;
  for (const auto& [key, positions] : trace.positions) by_block[{key.step, key.layer}].insert(key.sample);
  std::map<std::int64_t, std::set<std::int64_t>> by_step;
  for (const auto& [block, samples] : by_block) {
    const auto [of_step, is_new] = by_step.emplace(block.first, samples);
    EXPECT_TRUE(is_new || of_step->second == samples) << "step " << block.first << ", block " << block.second;
  }
  return by_step;
}

RANKED_TEST(RollBack, leaves_only_routes_of_the_steps_that_count) {
  const Workplace place(ranks);
  RunConfig run = place.config(DepthPolicy::MixtureOfDepths, "nervous");
  run.checkpoint.every = 2;
  run.guard.on_spike = OnSpike::RollBack;
  run.guard.spike_window = 3;
  run.guard.spike_z = 0.5;
  run.guard.roll_backs = 200;
  run.optim.learning_rate = 1e-6;  // losses go up and down with the batches, and many of them are spikes
  place.train(run, ranks, place / "routes.h5");
  const auto latest = find_latest(RunPaths(run).checkpoints(), VerifyLevel::Full);
  const TrainingState state = read_manifest(latest.directory.value()).state;
  EXPECT_GT(state.samples, run.train.steps * run.train.batch) << "nothing was rolled back, so this shows nothing";
  const auto steps = samples_by_step(read_route_trace(place / "routes.h5"));
  EXPECT_EQ(static_cast<std::int64_t>(steps.size()), run.train.steps);
  std::int64_t last = -1;
  for (const auto& [step, samples] : steps) {
    EXPECT_EQ(static_cast<std::int64_t>(samples.size()), run.train.batch) << "step " << step;
    EXPECT_GT(*samples.begin(), last) << "step " << step << " has batches of an undone one";
    last = *samples.rbegin();
  }
  EXPECT_EQ(last + 1, state.samples);
  place.leave();
}

}  // namespace
}  // namespace isobath::test
