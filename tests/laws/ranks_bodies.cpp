// Laws 5 and 6: N ranks with their shares of a batch, on any device, are one rank of the CPU with all of it, and every
// parameter joins every reduction.

#include "laws/small_run.hpp"
#include "ops/autograd/tape.hpp"
#include "parallel/exchange.hpp"
#include "support/ranked/bodies.hpp"
#include "trainer/routing/replay.hpp"
#include "trainer/run/dry_run.hpp"

namespace isobath::test {
namespace {

using Gradients = std::map<std::string, std::vector<float>>;

Gradients gradients_of(const Replica& replica) {
  Gradients out;
  for (const Parameter* parameter : replica.parameters.parameters())
    if (parameter->gradient.defined()) out[parameter->name] = parameter->gradient.to_vector<float>();
  return out;
}

struct Outcome {
  Gradients gradients;         // of the last step
  std::vector<double> losses;  // per step
  std::map<std::string, std::vector<float>> weights;
};

/// What this rank holds after `steps` steps, routes replayed from `trace` when there is one.
Outcome run_steps(const RunConfig& config, Communicator& ranks, int steps, const std::optional<RouteTrace>& trace,
                  Device where = device()) {
  Outcome outcome;
  Replica replica(config, where, ranks.size(), trace);
  shake(replica, 0.05F);
  Trainer trainer(config, replica, ranks);
  for (int step = 0; step < steps; ++step)
    outcome.losses.push_back(
        trainer.step(small_batch(config, step, share_of(config.train.batch, {ranks.rank(), ranks.size()}), where))
            .loss);
  outcome.gradients = gradients_of(replica);
  for (const Parameter* parameter : replica.parameters.parameters())
    outcome.weights[parameter->name] = parameter->value.to_vector<float>();
  return outcome;
}

/// The same by one rank with the whole batch, on the CPU.
Outcome run_alone(const RunConfig& config, int steps, const std::optional<RouteTrace>& trace) {
  SelfCommunicator alone;
  return run_steps(config, alone, steps, trace, Device::cpu());
}

/// The routes that top-k chooses in `steps` steps of one rank.
RouteTrace record_trace(const RunConfig& config, int steps) {
  RouteTrace trace{config.train.batch, config.model.context, config.model.layers, {}};
  Replica replica(config, Device::cpu(), 1);
  shake(replica, 0.05F);
  SelfCommunicator alone;
  Trainer trainer(config, replica, alone);
  for (int step = 0; step < steps; ++step) {
    const Batch batch = small_batch(config, step, {0, config.train.batch}, Device::cpu());
    {
      const NoGrad no_grad;
      const ModelInput input = input_of(batch, step);
      for (const LayerRecord& record : replica.model.forward(input, *replica.router, Phase::Training, 1).routed)
        record_route(trace, record.layer, record.route.queries, input.context);
    }
    trainer.step(batch);
  }
  return trace;
}

/// Largest difference over the largest element of all parameters: what rounding has to be small against.
double distance(const Gradients& a, const Gradients& b) {
  double difference = 0.0, largest = 0.0;
  for (const auto& [name, values] : a) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double gap = std::abs(static_cast<double>(values[i]) - b.at(name)[i]);
      difference = std::isnan(gap) ? std::numeric_limits<double>::infinity() : std::max(difference, gap);
      largest = std::max(largest, std::abs(static_cast<double>(values[i])));
    }
  }
  return difference / largest;
}

// A gradient element is a sum over 192 rows of products that passed some 60 ops; the cut into ranks regroups the sum
// and the blocks of the matrix products. Errors of sqrt(192 * 60) roundings, six standard deviations.
const double kOneStepBound = 6.0 * std::sqrt(192.0 * 60.0) * kEpsilon;

void share_a_batch(Communicator& ranks, DepthPolicy policy, Family family = Family::Paper) {
  RunConfig config = small_config(family, policy);
  config.model.dropout = 0.1;  // draws are keyed by the global sample, so they too are the same
  std::optional<RouteTrace> trace;
  if (policy == DepthPolicy::MixtureOfDepths) {
    trace = record_trace(config, 10);
    config.depth.policy = DepthPolicy::Replay;
  }
  const Outcome one_step = run_alone(config, 1, trace), shared_step = run_steps(config, ranks, 1, trace);
  EXPECT_LT(distance(one_step.gradients, shared_step.gradients), kOneStepBound);

  const Outcome alone = run_alone(config, 10, trace), shared = run_steps(config, ranks, 10, trace);
  // A relative gradient error e moves an AdamW update by up to about e in units of the learning rate where elements are
  // not tiny; ten steps at 3e-3 and a loss that changes by order 1 per unit of weight movement over some 1e2 coherent
  // elements.
  for (std::size_t step = 0; step < alone.losses.size(); ++step)
    EXPECT_NEAR(alone.losses[step], shared.losses[step], 10 * 3e-3 * 100 * kOneStepBound) << "step " << step;
}

RANKED_TEST(Ranks, share_a_dense_batch_as_one_rank_takes_it) { share_a_batch(ranks, DepthPolicy::Dense); }
RANKED_TEST(Ranks, share_a_token_selective_batch_as_one_rank_takes_it) {
  share_a_batch(ranks, DepthPolicy::TokenSelective);
}
RANKED_TEST(Ranks, share_a_mixture_of_depths_batch_as_one_rank_takes_it) {
  share_a_batch(ranks, DepthPolicy::MixtureOfDepths);
}

RANKED_TEST(Ranks, share_a_modern_token_selective_batch_as_one_rank_takes_it) {
  share_a_batch(ranks, DepthPolicy::TokenSelective, Family::Modern);
}
RANKED_TEST(Ranks, share_a_modern_mixture_of_depths_batch_as_one_rank_takes_it) {
  share_a_batch(ranks, DepthPolicy::MixtureOfDepths, Family::Modern);
}

std::string bytes_of(const std::map<std::string, std::vector<float>>& weights) {
  std::string bytes;
  for (const auto& [name, values] : weights)
    bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  return bytes;
}

/// State divided over ranks changes where sums are rounded, and nothing else.
void divide_state(Communicator& ranks, std::int64_t zero) {
  RunConfig config = small_config(DepthPolicy::TokenSelective);
  config.train.bucket_mib = 0.01;  // many buckets
  config.train.micro_batches = 2;
  config.model.mup_base_width = config.model.width / 2;  // rates differ within a rank's slices
  const Outcome whole = run_steps(config, ranks, 10, std::nullopt);
  config.parallel.zero = zero;
  const Outcome divided = run_steps(config, ranks, 10, std::nullopt);
  for (std::size_t step = 0; step < whole.losses.size(); ++step)
    EXPECT_NEAR(whole.losses[step], divided.losses[step], 10 * 3e-3 * 100 * kOneStepBound) << "step " << step;
  const std::string mine = bytes_of(divided.weights);
  EXPECT_TRUE(mine == broadcast_text(ranks, mine));
}

RANKED_TEST(Ranks, divide_the_optimizer_and_train_the_same) { divide_state(ranks, 1); }
RANKED_TEST(Ranks, divide_gradients_too_and_train_the_same) { divide_state(ranks, 2); }

RANKED_TEST(Ranks, reduce_in_bf16_and_train_nearly_the_same) {
  RunConfig config = small_config(DepthPolicy::Dense);
  const Outcome exact = run_steps(config, ranks, 1, std::nullopt);
  for (const std::int64_t zero : {0, 1}) {
    config.parallel.reduce_dtype = DTypeChoice::Bf16;
    config.parallel.zero = zero;
    const Outcome rounded = run_steps(config, ranks, 10, std::nullopt);
    // bf16 keeps 8 bits: each part and the sum are off by at most 2^-9 relative, and the loss is that of the weights
    // before the step.
    EXPECT_EQ(exact.losses[0], rounded.losses[0]);
    EXPECT_LT(rounded.losses[9], rounded.losses[0]);
  }
}

RANKED_TEST(Ranks, end_with_equal_weights) {
  for (const DepthPolicy policy : {DepthPolicy::Dense, DepthPolicy::MixtureOfDepths}) {
    const std::string mine = bytes_of(run_steps(small_config(policy), ranks, 3, std::nullopt).weights);
    EXPECT_TRUE(mine == broadcast_text(ranks, mine)) << name_of_policy(policy);
  }
}

void hold_what_the_dry_run_said(Communicator& ranks, DTypeChoice dtype) {
  for (const std::int64_t zero : {0, 1, 2}) {
    RunConfig config = small_config(DepthPolicy::Dense);
    config.system.dtype = dtype;
    config.model.width = 128;
    config.train.bucket_mib = 0.3;
    config.parallel.zero = zero;
    const DryRun said = measure_dry_run(config, ranks.size());
    trim_allocator();
    const std::int64_t start = allocator_stats(device().kind).bytes_in_use;
    Replica replica(config, device(), ranks.size());
    Trainer trainer(config, replica, ranks);
    const Batch batch = small_batch(config, 0, share_of(config.train.batch, {ranks.rank(), ranks.size()}));
    trainer.step(batch);
    reset_allocator_peak(device().kind);
    trainer.step(batch);
    const double peak = static_cast<double>(allocator_stats(device().kind).bytes_peak - start);
    EXPECT_NEAR(peak, static_cast<double>(said.memory.training()), 0.15 * peak) << "ZeRO-" << zero;
    // Padding of a bucket to the ranks is all that keeps this from 1 / N.
    const double parts = zero == 0 ? 1.0 : static_cast<double>(ranks.size());
    const double moments = static_cast<double>(trainer.optimizer().first_moment().bytes());
    EXPECT_LE(moments, 1.08 * static_cast<double>(said.parameters * 4) / parts) << "ZeRO-" << zero;
  }
}

RANKED_TEST(Ranks, hold_what_the_dry_run_said) { hold_what_the_dry_run_said(ranks, DTypeChoice::F32); }
RANKED_TEST(Ranks, hold_what_the_dry_run_said_in_bf16) { hold_what_the_dry_run_said(ranks, DTypeChoice::Bf16); }

/// In bf16 an ulp of f32 can turn a rounding, so that runs on other numbers of ranks differ by more than f32 sums do,
/// but by less than the rounding itself does: than bf16 and f32 on one rank.
void share_a_batch_in_bf16(Communicator& ranks, DepthPolicy policy) {
  constexpr int kSteps = 6;
  RunConfig config = small_config(policy);
  config.train.bucket_mib = 0.01;
  std::optional<RouteTrace> trace;
  if (policy == DepthPolicy::MixtureOfDepths) {
    trace = record_trace(config, kSteps);
    config.depth.policy = DepthPolicy::Replay;
  }
  const Outcome exact_step = run_alone(config, 1, trace), exact = run_alone(config, kSteps, trace);
  config.system.dtype = DTypeChoice::Bf16;
  const Outcome alone_step = run_alone(config, 1, trace), alone = run_alone(config, kSteps, trace);
  for (const std::int64_t zero : {0, 1, 2}) {
    config.parallel.zero = zero;
    const Outcome shared_step = run_steps(config, ranks, 1, trace), shared = run_steps(config, ranks, kSteps, trace);
    if (zero == 0) {
      EXPECT_LT(distance(alone_step.gradients, shared_step.gradients),
                distance(exact_step.gradients, alone_step.gradients));
    }
    double off = 0.0, rounding = 0.0;
    for (std::size_t step = 0; step < alone.losses.size(); ++step) {
      off += std::abs(shared.losses[step] - alone.losses[step]);
      rounding += std::abs(exact.losses[step] - alone.losses[step]);
    }
    EXPECT_LT(off, rounding) << "ZeRO-" << zero;
    const std::string mine = bytes_of(shared.weights);
    EXPECT_TRUE(mine == broadcast_text(ranks, mine)) << "ZeRO-" << zero;
  }
}

RANKED_TEST(Ranks, share_a_dense_batch_in_bf16) { share_a_batch_in_bf16(ranks, DepthPolicy::Dense); }
RANKED_TEST(Ranks, share_a_token_selective_batch_in_bf16) { share_a_batch_in_bf16(ranks, DepthPolicy::TokenSelective); }
RANKED_TEST(Ranks, share_a_mixture_of_depths_batch_in_bf16) {
  share_a_batch_in_bf16(ranks, DepthPolicy::MixtureOfDepths);
}

RANKED_TEST(Votes, are_counted_on_every_rank_with_the_step) {
  const RunConfig config = small_config(DepthPolicy::Dense);
  Replica replica(config, device(), ranks.size());
  Trainer trainer(config, replica, ranks);
  const Batch batch = small_batch(config, 0, share_of(config.train.batch, {ranks.rank(), ranks.size()}));
  const bool last = ranks.rank() == ranks.size() - 1;
  const StepVotes counted = trainer.step(batch, {.stop = last, .saved = 1, .save_failed = 0}).votes;
  EXPECT_EQ(counted.stop, 1);
  EXPECT_EQ(counted.saved, ranks.size());
  EXPECT_EQ(counted.save_failed, 0);
  EXPECT_EQ(trainer.step(batch).votes.saved, 0);  // the last step's are forgotten
}

RANKED_TEST(MicroBatches, add_up_to_the_whole_batch) {
  RunConfig config = small_config(DepthPolicy::TokenSelective);
  const Outcome whole = run_alone(config, 1, std::nullopt);
  config.train.micro_batches = 2;
  EXPECT_LT(distance(whole.gradients, run_steps(config, ranks, 1, std::nullopt).gradients), kOneStepBound);
}

RANKED_TEST(Reduction, includes_parameters_that_no_row_reached) {
  // A trace that selects nothing: the routed blocks and their routers take part in nothing, yet every rank issues every
  // bucket.
  RunConfig config = small_config(DepthPolicy::Replay);
  config.depth.mixture_of_depths.predictor = false;
  config.depth.mixture_of_depths.auxiliary_weight = 0.0;
  config.train.bucket_mib = 0.01;  // many buckets
  RouteTrace trace{config.train.batch, config.model.context, config.model.layers, {}};
  for (std::int64_t layer : {1, 3})
    for (std::int64_t sample = 0; sample < 8; ++sample)
      trace.positions[{0, layer, sample}] = sample < 4 ? std::vector<std::int32_t>{} : std::vector<std::int32_t>{2, 5};
  const Outcome uneven = run_steps(config, ranks, 1, trace), alone = run_alone(config, 1, trace);
  EXPECT_LT(distance(alone.gradients, uneven.gradients), kOneStepBound);
  for (auto& [key, positions] : trace.positions) positions.clear();
  const Outcome none = run_steps(config, ranks, 1, trace);
  for (const float g : none.gradients.at("blocks.1.ffn.up.weight")) EXPECT_EQ(g, 0.0F);
}

TEST(FreeRouting, FirstStepDecisionsAgreeAcrossRanks) {
  const RunConfig config = small_config(DepthPolicy::MixtureOfDepths);
  Replica replica(config, device(), 1);
  shake(replica, 0.05F);
  const NoGrad no_grad;
  const auto chosen = [&](IndexRange range) {
    std::map<std::pair<int, std::int64_t>, std::vector<std::int32_t>> out;
    const Batch batch = small_batch(config, 0, range);
    RouteTrace trace;
    for (const LayerRecord& record : replica.model.forward(input_of(batch), *replica.router, Phase::Training, 1).routed)
      record_route(trace, record.layer, record.route.queries, input_of(batch).context);
    return trace.positions;
  };
  std::size_t decisions = 0, differing = 0;
  const auto whole = chosen({0, 8});
  for (const auto& [key, positions] : whole) {
    const auto share = chosen({key.sample, key.sample + 1});
    for (std::size_t i = 0; i < positions.size(); ++i) differing += positions[i] != share.at(key)[i];
    decisions += positions.size();
  }
  EXPECT_LE(static_cast<double>(differing), 0.001 * static_cast<double>(decisions));
}

}  // namespace
}  // namespace isobath::test
