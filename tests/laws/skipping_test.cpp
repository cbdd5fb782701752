// Laws 1, 3 and 4: what is skipped is bit-identical and not computed; gates multiply updates and receive gradients.

#include "laws/small_run.hpp"
#include "ops/autograd/tape.hpp"
#include "ops/rope/rope.hpp"
#include "ops/sum/sum.hpp"
#include "trainer/routing/hard_rules.hpp"

namespace isobath::test {
namespace {

constexpr std::int64_t kBatch = 3, kLength = 12, kChannels = 32;

/// A block of its own with bound parameters.
class BlockAlone {
 public:
  explicit BlockAlone(Family family)
      : block_("block", shape_in(family)),
        rotary_(family == Family::Modern ? rope_table(kLength, kChannels / 4, 1e4, device()) : Tensor()) {
    ParameterList list;
    block_.collect(list);
    parameters_ = std::make_unique<FlatParameters>(list, FlatSettings{}, device());
    for (const Parameter* parameter : list) initialise(*parameter, 3);
  }
  Tensor run(const Tensor& h, const Route& route) const { return block_.forward(h, route, 0.0F, {}, rotary_); }

 private:
  static BlockShape shape_in(Family family) {
    ModelConfig model = small_config(family, DepthPolicy::Dense).model;
    model.width = kChannels;
    model.ffn_width = 64;
    BlockShape shape = block_shape(model);
    shape.deviation = shape.residual_deviation = 0.2F;
    return shape;
  }

  TransformerBlock block_;
  Tensor rotary_;
  std::unique_ptr<FlatParameters> parameters_;
};

Tensor stream() {
  return Tensor::from(Shape{kBatch * kLength, kChannels}, random_values(kBatch * kLength * kChannels, 11), device());
}

Tensor constant_gates(std::int64_t count, float value) {
  return Tensor::from(Shape{count}, std::vector<float>(static_cast<std::size_t>(count), value), device());
}

std::vector<std::int32_t> some_rows() { return {0, 3, 4, 11, 13, 20, 24, 30, 35}; }

class SkippedRows : public testing::TestWithParam<std::tuple<GateOn, Family>> {};

TEST_P(SkippedRows, LeaveTheBlockBitIdentical) {
  const auto [gate_on, family] = GetParam();
  const BlockAlone block(family);
  const Tensor h = stream();
  Route route = Route::dense(kBatch, kLength);
  const std::vector<std::int32_t> rows = some_rows();
  route.queries = RowSet::from_rows(rows, kBatch, kLength, device());
  if (gate_on == GateOn::Block) route.keys = route.queries;
  route.gates = constant_gates(route.queries.size(), 0.7F);
  route.gate_on = gate_on;
  const std::vector<float> before = h.to_vector<float>(), after = block.run(h, route).to_vector<float>();
  for (std::int64_t row = 0; row < kBatch * kLength; ++row) {
    const bool chosen = std::find(rows.begin(), rows.end(), row) != rows.end();
    const bool same = std::equal(before.begin() + row * kChannels, before.begin() + (row + 1) * kChannels,
                                 after.begin() + row * kChannels);
    EXPECT_EQ(same, !chosen) << "row " << row;
  }
}

INSTANTIATE_TEST_SUITE_P(Laws, SkippedRows,
                         testing::Combine(testing::Values(GateOn::Block, GateOn::Branches),
                                          testing::Values(Family::Paper, Family::Modern)));

class GateLaws : public testing::TestWithParam<Family> {};
INSTANTIATE_TEST_SUITE_P(Laws, GateLaws, testing::Values(Family::Paper, Family::Modern),
                         [](const auto& info) { return std::string(name_of(info.param)); });

TEST_P(GateLaws, WeightOneEqualsNoGateBitwise) {
  const BlockAlone block(GetParam());
  const Tensor h = stream();
  Route gated = Route::dense(kBatch, kLength);
  gated.gates = constant_gates(kBatch * kLength, 1.0F);
  EXPECT_EQ(block.run(h, gated).to_vector<float>(), block.run(h, Route::dense(kBatch, kLength)).to_vector<float>());
}

TEST_P(GateLaws, WeightZeroIsTheIdentity) {
  const BlockAlone block(GetParam());
  const Tensor h = stream();
  for (const GateOn gate_on : {GateOn::Block, GateOn::Branches}) {
    Route closed = Route::dense(kBatch, kLength);
    closed.gates = constant_gates(kBatch * kLength, 0.0F);
    closed.gate_on = gate_on;
    EXPECT_EQ(block.run(h, closed).to_vector<float>(), h.to_vector<float>());
  }
}

TEST_P(GateLaws, EveryRowWithWeightOneEqualsTheDenseBlock) {
  const BlockAlone block(GetParam());
  const Tensor h = stream();
  std::vector<std::int32_t> rows(kBatch * kLength);
  std::iota(rows.begin(), rows.end(), 0);
  Route whole = Route::dense(kBatch, kLength);
  whole.queries = whole.keys = RowSet::from_rows(rows, kBatch, kLength, device());
  whole.gates = constant_gates(kBatch * kLength, 1.0F);
  whole.gate_on = GateOn::Block;
  // The dense block adds its two updates one after the other, the gated one their sum: two roundings of numbers below
  // 16 differ.
  EXPECT_TRUE(close(block.run(h, whole), to_doubles(block.run(h, Route::dense(kBatch, kLength))),
                    Bound{4 * 16 * kEpsilon, 0.0}));
}

TEST_P(GateLaws, AnEmptyRouteIsTheIdentity) {
  const BlockAlone block(GetParam());
  const Tensor h = stream();
  for (const GateOn gate_on : {GateOn::Block, GateOn::Branches}) {
    Route empty = Route::dense(kBatch, kLength);
    empty.queries = RowSet::from_rows({}, kBatch, kLength, device());
    if (gate_on == GateOn::Block) empty.keys = empty.queries;
    empty.gate_on = gate_on;
    EXPECT_EQ(block.run(h, empty).to_vector<float>(), h.to_vector<float>());
  }
}

TEST_P(GateLaws, AnUngatedBranchRunsOnEveryRow) {
  const BlockAlone block(GetParam());
  const Tensor h = stream();
  Route half = Route::dense(kBatch, kLength);
  half.queries = RowSet::from_rows(some_rows(), kBatch, kLength, device());
  half.gate_on = GateOn::Attention;
  const std::vector<float> before = h.to_vector<float>(), after = block.run(h, half).to_vector<float>();
  for (std::int64_t row = 0; row < kBatch * kLength; ++row)
    EXPECT_NE(before[static_cast<std::size_t>(row * kChannels)], after[static_cast<std::size_t>(row * kChannels)])
        << "row " << row;
}

/// Gradient of the routers' parameters after one step's backward pass, largest absolute value by name.
std::map<std::string, double> router_gradients(DepthPolicy policy, const std::function<void(RunConfig&)>& change) {
  RunConfig config = small_config(policy);
  change(config);
  Replica replica(config, device(), 1);
  shake(replica, 0.05F);
  SelfCommunicator alone;
  Trainer trainer(config, replica, alone);
  trainer.gather_gradients(small_batch(config));
  std::map<std::string, double> largest;
  for (const Parameter* parameter : replica.parameters.parameters())
    for (const double g : to_doubles(parameter->gradient))
      largest[parameter->name] = std::max(largest[parameter->name], std::abs(g));
  return largest;
}

TEST(RouterGradient, TheLanguageLossReachesTheScore) {
  const auto largest = router_gradients(DepthPolicy::MixtureOfDepths, [](RunConfig& config) {
    config.depth.mixture_of_depths.auxiliary_weight = 0.0;
    config.depth.mixture_of_depths.predictor = false;
  });
  EXPECT_GT(largest.at("routers.1.score.weight"), 0.0);
  EXPECT_GT(largest.at("routers.3.score.weight"), 0.0);
}

TEST(RouterGradient, TheLanguageLossReachesTheHaltingRouterWithoutAPenalty) {
  const auto largest = router_gradients(DepthPolicy::TokenSelective,
                                        [](RunConfig& config) { config.depth.token_selective.lambda = 0.0; });
  for (const int layer : {1, 2, 3}) EXPECT_GT(largest.at(text("routers.", layer, ".down.weight")), 0.0);
}

TEST(RouterGradient, EveryRoutedBlockHasARouterOfItsOwn) {
  const auto largest = router_gradients(DepthPolicy::MixtureOfDepths, [](RunConfig&) {});
  EXPECT_TRUE(largest.contains("routers.1.score.weight") && largest.contains("routers.3.score.weight"));
  EXPECT_NE(largest.at("routers.1.score.weight"), largest.at("routers.3.score.weight"));
}

/// Executed FLOPs of one step by category.
Ledger step_ledger(const RunConfig& config) {
  Replica replica(config, device(), 1);
  SelfCommunicator alone;
  Trainer trainer(config, replica, alone);
  const Ledger before = ledger();
  trainer.gather_gradients(small_batch(config));
  return ledger() - before;
}

TEST(Ledger, SkippedMeansNotComputed) {
  RunConfig dense = small_config(DepthPolicy::Dense), mixture = small_config(DepthPolicy::MixtureOfDepths);
  const Ledger full = step_ledger(dense), routed = step_ledger(mixture);
  // Blocks 1 and 3 of 4 take 6 of 24 rows: linear work falls to (2 + 2 / 4) / 4, visible pairs to (2 * 300 + 2 * 21) /
  // (4 * 300).
  for (const Direction direction : {Direction::Forward, Direction::Backward}) {
    EXPECT_EQ(routed.of(Work::Ffn, direction) * 8, full.of(Work::Ffn, direction) * 5);
    EXPECT_EQ(routed.of(Work::Projection, direction) * 8, full.of(Work::Projection, direction) * 5);
    EXPECT_EQ(routed.of(Work::Attention, direction) * 1200, full.of(Work::Attention, direction) * 642);
    EXPECT_EQ(routed.of(Work::Head, direction), full.of(Work::Head, direction));
  }
  EXPECT_EQ(full.of(Work::Router, Direction::Forward), 0);
  EXPECT_GT(routed.of(Work::Router, Direction::Forward), 0);
}

TEST(Ledger, DenseStepAgreesWithTheFormula) {
  const RunConfig config = small_config(DepthPolicy::Dense);
  const Ledger step = step_ledger(config);
  const std::int64_t rows = 8 * 24, c = 32, f = 128, v = 19;
  EXPECT_EQ(step.of(Work::Projection, Direction::Forward), 4 * rows * 8 * c * c);
  EXPECT_EQ(step.of(Work::Ffn, Direction::Forward), 4 * rows * 4 * c * f);
  EXPECT_EQ(step.of(Work::Attention, Direction::Forward), 4 * 8 * 300 * 4 * c);
  EXPECT_EQ(step.of(Work::Head, Direction::Forward), rows * 2 * c * v);
  EXPECT_EQ(step.backward(), 2 * step.forward());
}

}  // namespace
}  // namespace isobath::test
