// What becomes of the rest of a run when its guards act: recorded routes, and checkpoints under way.

#include <chrono>
#include <map>
#include <set>
#include <thread>

#include "laws/workplace.hpp"
#include "parallel/agreement.hpp"
#include "support/ranked/bodies.hpp"
#include "trainer/checkpoint/hdf5_trace.hpp"
#include "trainer/checkpoint/storage/observer.hpp"

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

/// Rank 0's shards take their time, so that the run is over before they are written.
class SlowDisk {
 public:
  explicit SlowDisk(Communicator& ranks) : ranks_(ranks) {
    if (ranks_.rank() == 0)
      set_checkpoint_observer([](CheckpointPoint point) {
        if (point == CheckpointPoint::BeforeShard) std::this_thread::sleep_for(std::chrono::milliseconds(400));
      });
    ranks_.barrier();
  }
  ~SlowDisk() {
    if (ranks_.rank() == 0) set_checkpoint_observer({});
  }
  SlowDisk(const SlowDisk&) = delete;
  SlowDisk& operator=(const SlowDisk&) = delete;

 private:
  Communicator& ranks_;
};

/// The run, which saves after every second step, ends with 93 while the newest checkpoint is being written. The last
/// `unsaved` lines of its metrics are of steps after which nothing was requested.
void expect_finished_checkpoint(const Workplace& place, const RunConfig& run, Communicator& ranks,
                                std::int64_t unsaved) {
  {
    const SlowDisk disk(ranks);
    try {
      place.train(run, ranks);
      ADD_FAILURE() << "the run did not end early";
    } catch (const AgreedError& error) {
      EXPECT_EQ(error.code(), ExitCode::Stopped) << error.what();
    }
    ranks.barrier();  // no rank writes any more
  }
  const auto steps = static_cast<std::int64_t>(place.data(run).size()) - unsaved;
  ASSERT_GE(steps, 2) << "it ended before there was a checkpoint";
  const auto latest = find_latest(RunPaths(run).checkpoints(), VerifyLevel::Full);
  ASSERT_TRUE(latest.directory.has_value());
  EXPECT_EQ(read_manifest(*latest.directory).state.step, steps - steps % 2);
  EXPECT_TRUE(latest.skipped.empty());
}

RANKED_TEST(Divergence, finishes_the_checkpoint_that_is_under_way) {
  const Workplace place(ranks);
  RunConfig run = place.config(DepthPolicy::Dense, "diverges");
  run.optim.weight_decay = 1e20;  // times the learning rate: weights overflow within a few steps
  run.checkpoint.every = 2;
  run.evaluation.every = 0;
  run.train.steps = 1000;
  expect_finished_checkpoint(place, run, ranks, 0);
  place.leave();
}

RANKED_TEST(Divergence, finishes_it_when_a_spike_stops_the_run_too) {
  const Workplace place(ranks);
  RunConfig run = place.config(DepthPolicy::Dense, "stops");
  run.checkpoint.every = 2;
  run.evaluation.every = 0;
  run.guard.on_spike = OnSpike::Stop;
  run.guard.spike_window = 2;
  run.guard.spike_z = 0;
  run.optim.learning_rate = 1e-6;  // losses go up and down with the batches
  run.train.steps = 1000;
  run.optim.decay_steps = 1000;
  expect_finished_checkpoint(place, run, ranks, 1);
  place.leave();
}

}  // namespace
}  // namespace isobath::test
