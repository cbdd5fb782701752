// What a step costs beside arithmetic: one wait of the host for the device, after the update, and no new memory once it
// has settled.

#include "laws/small_training.hpp"
#include "ops/core/host_waits.hpp"

namespace isobath::test {
namespace {

/// Waits as isobath counts them, and as the runtime does where it counts.
struct Waits {
  std::int64_t counted = host_waits(), runtime = runtime_waits();
  std::int64_t since() const { return host_waits() - counted; }
  std::int64_t runtime_since() const { return runtime_waits() - runtime; }
};

/// Every way a step can go: with dropout, in two micro-batches, with state whole and divided.
void for_every_kind(const std::function<void(const RunConfig&)>& body) {
  for (const DepthPolicy policy : {DepthPolicy::Dense, DepthPolicy::TokenSelective, DepthPolicy::MixtureOfDepths})
    for (const Family family : {Family::Paper, Family::Modern}) {
      RunConfig config = small_config(family, policy);
      config.model.layers = 2;  // the second one is routed
      config.model.context = 12;
      config.model.dropout = 0.1;
      config.train.micro_batches = 2;
      config.parallel.zero = family == Family::Modern ? 1 : 0;
      SCOPED_TRACE(text(isobath::name_of(family), ' ', name_of_policy(policy)));
      body(config);
    }
}

// On the CPU the read is free of waiting; what is counted is every place that would wait for another device.
void expect_one_wait(SmallTraining& run) {
  const Waits waits;
  run.trainer().step(run.batch());
  EXPECT_EQ(waits.since(), 1);
  // The runtime may wait within the copy to the host, and then in the wait for it.
  EXPECT_LE(waits.runtime_since(), 2);
}

RANKED_TEST(Step, waits_for_the_device_once_and_then_needs_no_new_memory) {
  for_every_kind([&](const RunConfig& config) {
    SmallTraining run(config, ranks);
    const Waits before_update;
    run.trainer().gather_gradients(run.batch());
    EXPECT_EQ(before_update.since(), 0) << "between forward and update";
    EXPECT_EQ(before_update.runtime_since(), 0) << "between forward and update, and not counted";
    expect_one_wait(run);
    const AllocatorStats settled = allocator_stats(device().kind);
    for (int step = 0; step < 3; ++step) expect_one_wait(run);
    EXPECT_EQ(allocator_stats(device().kind).blocks_created, settled.blocks_created);
    EXPECT_EQ(allocator_stats(device().kind).bytes_in_use, settled.bytes_in_use);
  });
}

}  // namespace
}  // namespace isobath::test
