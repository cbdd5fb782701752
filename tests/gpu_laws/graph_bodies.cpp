// Micro-batches as CUDA graphs (system.cuda_graph): the bits of kernels that are queued one by one, at the price of a
// few calls a step.

#include <algorithm>
#include <set>
#include <string_view>

#include "laws/small_training.hpp"
#include "ops/core/host_waits.hpp"
#include "ops/core/op_clock.hpp"

namespace isobath::test {
namespace {

/// Calls that gather_gradients() makes.
std::int64_t launches_of(SmallTraining& run) {
  const Batch next = run.batch();
  const std::int64_t before = runtime_launches();
  run.trainer().gather_gradients(next);
  return runtime_launches() - before;
}

RunConfig config_of(DepthPolicy policy, Family family, DTypeChoice dtype) {
  RunConfig config = small_config(family, policy);
  config.model.layers = 2;  // the second one is routed
  config.model.context = 8;
  config.train.batch = 4;  // on one rank in 1, 1 and 2: the micro-batches of a step differ in size
  config.model.dropout = 0.1;
  config.train.micro_batches = 3;
  config.system.dtype = dtype;
  return config;
}

RunConfig with_graphs(RunConfig config) {
  config.system.cuda_graph = CudaGraphChoice::MicroBatch;
  return config;
}

/// body(config) for each policy and dtype, in both families, with and without recomputation and divided state.
void for_every_kind_of_graph(const std::function<void(const RunConfig&)>& body) {
  for (const DepthPolicy policy : {DepthPolicy::Dense, DepthPolicy::TokenSelective, DepthPolicy::MixtureOfDepths})
    for (const DTypeChoice dtype : {DTypeChoice::F32, DTypeChoice::Bf16}) {
      const bool is_narrow = dtype == DTypeChoice::Bf16;
      RunConfig config = config_of(policy, is_narrow ? Family::Modern : Family::Paper, dtype);
      config.train.recompute = is_narrow ? Recompute::Block : Recompute::None;
      config.parallel.zero = is_narrow ? 1 : 0;
      SCOPED_TRACE(text(name_of_policy(policy), ' ', isobath::name_of(dtype)));
      body(config);
    }
}

/// Memory of many sizes that somebody else holds while graphs run.
class Bystanders {
 public:
  Bystanders() {
    for (std::int64_t count = 128; count <= 8192; count += 128)
      held_.push_back(Tensor::from(Shape{count}, std::vector<float>(static_cast<std::size_t>(count), 7.0F), device()));
  }
  bool are_untouched() const {
    return std::all_of(held_.begin(), held_.end(), [](const Tensor& it) {
      return it.to_vector<float>() == std::vector<float>(static_cast<std::size_t>(it.count()), 7.0F);
    });
  }

 private:
  std::vector<Tensor> held_;
};

void expect_equal(const StepReport& got, const StepReport& want) {
  EXPECT_EQ(got.loss, want.loss);
  EXPECT_EQ(got.auxiliary, want.auxiliary);
  EXPECT_EQ(got.gradient_norm, want.gradient_norm);
  EXPECT_EQ(got.executed_flops, want.executed_flops);
  EXPECT_EQ(got.recomputed_flops, want.recomputed_flops);
  EXPECT_EQ(got.depth, want.depth);
  EXPECT_EQ(got.gate_bins, want.gate_bins);
}

RANKED_TEST(Graphs, leave_the_bits_of_kernels_that_are_queued_one_by_one) {
  for_every_kind_of_graph([&](const RunConfig& config) {
    SmallTraining graphs(with_graphs(config), ranks), kernels(config, ranks);
    std::optional<Bystanders> bystanders;
    for (int step = 0; step < 4; ++step) {
      if (step == 2) bystanders.emplace();  // when all is recorded
      SCOPED_TRACE(text("step ", step));
      const StepReport got = graphs.step(), want = kernels.step();
      expect_equal(got, want);
      EXPECT_TRUE(graphs.values() == kernels.values());
      if (config.parallel.zero == 0) {
        EXPECT_TRUE(graphs.gradients() == kernels.gradients());
      }
    }
    EXPECT_TRUE(bystanders->are_untouched());
  });
}

RANKED_TEST(Graphs, draw_dropout_anew_in_every_step) {
  for (const auto choice : {CudaGraphChoice::None, CudaGraphChoice::MicroBatch}) {
    RunConfig config = config_of(DepthPolicy::Dense, Family::Paper, DTypeChoice::F32);
    config.optim.learning_rate = 0.0;  // only the draws differ between steps
    config.system.cuda_graph = choice;
    Replica replica(config, device(), ranks.size());
    Trainer trainer(config, replica, ranks);
    const Batch batch = small_batch(config, 0, share_of(config.train.batch, {ranks.rank(), ranks.size()}));
    std::set<double> losses;
    for (int step = 0; step < 4; ++step) losses.insert(trainer.step(batch).loss);
    EXPECT_EQ(losses.size(), 4U);
  }
}

RANKED_TEST(Graphs, step_aside_where_single_ops_are_timed) {
  const RunConfig config = config_of(DepthPolicy::Dense, Family::Paper, DTypeChoice::F32);
  SmallTraining graphs(with_graphs(config), ranks), kernels(config, ranks);
  for (int step = 0; step < 4; ++step) {
    SCOPED_TRACE(text("step ", step));
    std::optional<OpClock> clock;
    if (step % 2 == 1 && ranks.rank() == 0) clock.emplace();  // the other ranks go on with graphs
    const StepReport got = graphs.step();
    if (clock) {
      const auto& times = clock->times();
      EXPECT_TRUE(std::any_of(times.begin(), times.end(),
                              [](const OpTime& time) { return std::string_view(time.op) == "attention"; }));
      clock.reset();
    }
    expect_equal(got, kernels.step());
    EXPECT_TRUE(graphs.values() == kernels.values());
  }
}

RANKED_TEST(Graphs, keep_the_memory_and_the_one_wait_of_a_step) {
  for_every_kind_of_graph([&](const RunConfig& config) {
    SmallTraining run(with_graphs(config), ranks);
    run.step();
    run.step();  // here the last kinds of micro-batches are recorded
    const AllocatorStats settled = allocator_stats(device().kind);
    for (int step = 0; step < 2; ++step) {
      const std::int64_t before = host_waits();
      run.step();
      EXPECT_EQ(host_waits() - before, 1);
    }
    EXPECT_EQ(allocator_stats(device().kind).blocks_created, settled.blocks_created);
    EXPECT_EQ(allocator_stats(device().kind).bytes_in_use, settled.bytes_in_use);
  });
}

RANKED_TEST(Graphs, make_the_calls_of_a_step_independent_of_its_depth) {
  const auto calls = [&](std::int64_t layers, CudaGraphChoice choice) {
    RunConfig config = config_of(DepthPolicy::Dense, Family::Paper, DTypeChoice::F32);
    config.model.layers = layers;
    config.system.cuda_graph = choice;
    SmallTraining run(config, ranks);
    run.step();
    run.step();
    return launches_of(run);
  };
  if (calls(1, CudaGraphChoice::None) == 0) GTEST_SKIP() << "this CUDA runtime does not count calls";
  const std::int64_t shallow = calls(1, CudaGraphChoice::MicroBatch), deep = calls(3, CudaGraphChoice::MicroBatch);
  EXPECT_EQ(shallow, deep);
  // Three copies of the batch and one launch for each of three micro-batches; the rest is the step's own.
  EXPECT_LT(deep, 12 + 24);
  EXPECT_GT(calls(3, CudaGraphChoice::None), 10 * deep);
}

}  // namespace
}  // namespace isobath::test
