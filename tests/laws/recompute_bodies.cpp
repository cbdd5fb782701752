// train.recompute: block gives the bits of none: losses, gradients and weights, in every family, policy and dtype, with
// dropout, over micro-batches and ranks.

#include "laws/small_run.hpp"
#include "support/ranked/bodies.hpp"

namespace isobath::test {
namespace {

constexpr int kSteps = 2;

struct Trained {
  std::vector<double> losses, norms;
  std::map<std::string, std::vector<float>> gradients;  // of the last step, where they are kept whole
  std::map<std::string, std::vector<float>> weights;
  StepReport last;
};

Trained train(const RunConfig& config, Communicator& ranks) {
  Replica replica(config, device(), ranks.size());
  shake(replica, 0.05F);
  Trainer trainer(config, replica, ranks);
  Trained trained;
  for (int step = 0; step < kSteps; ++step) {
    const IndexRange share = share_of(config.train.batch, {ranks.rank(), ranks.size()});
    trained.last = trainer.step(small_batch(config, step, share));
    trained.losses.push_back(trained.last.loss);
    trained.norms.push_back(trained.last.gradient_norm);
  }
  for (const Parameter* parameter : replica.parameters.parameters()) {
    if (parameter->gradient.defined()) trained.gradients[parameter->name] = parameter->gradient.to_vector<float>();
    trained.weights[parameter->name] = parameter->value.to_vector<float>();
  }
  return trained;
}

/// How often ranks and micro-batches cut the work changes sums, so each cut is compared with itself.
void expect_equal_bits(RunConfig config, Communicator& ranks, const std::string& where) {
  config.train.recompute = Recompute::None;
  const Trained kept = train(config, ranks);
  config.train.recompute = Recompute::Block;
  const Trained again = train(config, ranks);
  EXPECT_EQ(kept.losses, again.losses) << where;
  EXPECT_EQ(kept.norms, again.norms) << where;
  for (const auto& [name, gradient] : kept.gradients)
    EXPECT_TRUE(gradient == again.gradients.at(name)) << where << name;
  for (const auto& [name, weight] : kept.weights) EXPECT_TRUE(weight == again.weights.at(name)) << where << name;
  EXPECT_EQ(kept.last.executed_flops, again.last.executed_flops) << where;
  EXPECT_EQ(kept.last.recomputed_flops, 0.0) << where;
  EXPECT_GT(again.last.recomputed_flops, 0.2 * again.last.executed_flops) << where;
  EXPECT_LT(again.last.recomputed_flops, again.last.executed_flops / 3.0) << where;
}

void give_the_same_bits(Communicator& ranks, DTypeChoice dtype) {
  for (const Family family : {Family::Paper, Family::Modern})
    for (const DepthPolicy policy : {DepthPolicy::Dense, DepthPolicy::TokenSelective, DepthPolicy::MixtureOfDepths})
      for (const std::int64_t micro_batches : {1, 2}) {
        RunConfig config = small_config(family, policy);
        config.system.dtype = dtype;
        config.model.dropout = 0.1;
        config.train.micro_batches = micro_batches;
        config.train.bucket_mib = 0.01;  // many buckets, which leave while backward runs
        expect_equal_bits(
            config, ranks,
            text(isobath::name_of(family), ' ', name_of_policy(policy), ", micro-batches ", micro_batches, ": "));
      }
}

RANKED_TEST(RecomputedBlocks, give_the_same_bits) { give_the_same_bits(ranks, DTypeChoice::F32); }
RANKED_TEST(RecomputedBlocks, give_the_same_bits_in_bf16) { give_the_same_bits(ranks, DTypeChoice::Bf16); }

RANKED_TEST(RecomputedBlocks, give_the_same_bits_where_state_is_divided) {
  for (const std::int64_t zero : {1, 2}) {
    RunConfig config = small_config(DepthPolicy::MixtureOfDepths);
    config.model.dropout = 0.1;
    config.train.micro_batches = 2;
    config.train.bucket_mib = 0.01;
    config.parallel.zero = zero;
    expect_equal_bits(config, ranks, text("ZeRO-", zero, ": "));
  }
}

}  // namespace
}  // namespace isobath::test
