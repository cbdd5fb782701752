// The modern family by hand arithmetic, and its positions: what --dry-run says a model has and costs, that a packed row
// keeps its place, and what the z-loss adds.

#include "laws/small_run.hpp"
#include "ops/rope/rope.hpp"
#include "trainer/run/dry_run.hpp"

namespace isobath::test {
namespace {

// 4 blocks of 32 channels; 4 heads of 8 channels over 2 key heads; 8/3 x 32 rounded up to 64s is 128; 19 symbols.
constexpr std::int64_t kBlock = 2 * 32           // norms
                                + 2 * 32 * 32    // query, output
                                + 2 * 16 * 32    // key, value
                                + 2 * 8          // query and key norm
                                + 3 * 32 * 128;  // gate, up, down
constexpr std::int64_t kTrunk = 4 * kBlock + 32  // and the last norm
                                + 2 * 19 * 32;   // embedding, head
// Forward FLOPs of a row: twice the elements of the matrices; of a visible pair: 4 per channel of all query heads.
constexpr std::int64_t kProjection = 2 * (2 * 32 * 32 + 2 * 16 * 32), kFfn = 2 * 3 * 32 * 128, kPair = 4 * 32,
                       kHead = 2 * 19 * 32;
// 8 sequences of 24 tokens.
constexpr std::int64_t kRows = 8 * 24, kPairs = 8 * 24 * 25 / 2;

void expect_step(const DryRun& said, std::int64_t block_rows, std::int64_t pairs) {
  const auto forward = [&](Work work) { return said.step.of(work, Direction::Forward); };
  EXPECT_EQ(forward(Work::Projection), block_rows * kProjection);
  EXPECT_EQ(forward(Work::Ffn), block_rows * kFfn);
  EXPECT_EQ(forward(Work::Attention), pairs * kPair);
  EXPECT_EQ(forward(Work::Head), kRows * kHead);
  EXPECT_EQ(said.dense_flops, 3.0 * (4 * kRows * (kProjection + kFfn) + 4 * kPairs * kPair + kRows * kHead));
  EXPECT_EQ(said.parameters - said.router_parameters, kTrunk);
}

TEST(ModernByHand, Dense) {
  const DryRun said = measure_dry_run(modern_config(DepthPolicy::Dense), 1);
  expect_step(said, 4 * kRows, 4 * kPairs);
  EXPECT_EQ(said.router_parameters, 0);
  EXPECT_EQ(static_cast<double>(said.step.total()), said.dense_flops);
}

TEST(ModernByHand, TokenSelective) {
  const DryRun said = measure_dry_run(modern_config(DepthPolicy::TokenSelective), 1);
  expect_step(said, 4 * kRows, 4 * kPairs);
  // three routers of 16 hidden units
  EXPECT_EQ(said.router_parameters, 3 * (32 * 16 + 16 + 16 + 1));
  EXPECT_EQ(said.step.of(Work::Router, Direction::Forward), 3 * kRows * 2 * (32 * 16 + 16));
}

TEST(ModernByHand, MixtureOfDepths) {
  // Blocks 1 and 3 take a quarter of the rows, 6 of a sequence, which see 21 pairs.
  expect_step(measure_dry_run(modern_config(DepthPolicy::MixtureOfDepths), 1), 2 * kRows + 2 * kRows / 4,
              2 * kPairs + 2 * 8 * 21);
}

/// A modern block's updates of three rows at the given positions of one sequence of 12, attending among themselves.
std::vector<float> updates_at(const std::vector<std::int32_t>& positions) {
  ModelConfig model = modern_config(DepthPolicy::Dense).model;
  BlockShape shape = block_shape(model);
  shape.deviation = shape.residual_deviation = 0.3F;
  TransformerBlock block("block", shape);
  ParameterList list;
  block.collect(list);
  const FlatParameters parameters(list, FlatSettings{}, device());
  for (const Parameter* parameter : list) initialise(*parameter, 3);

  const std::vector<float> rows = random_values(3 * model.width, 11);
  std::vector<float> stream(static_cast<std::size_t>(12 * model.width), 0.0F);
  const auto width = static_cast<std::ptrdiff_t>(model.width);
  for (std::ptrdiff_t i = 0; i < 3; ++i)
    std::copy_n(rows.begin() + i * width, width, stream.begin() + positions[static_cast<std::size_t>(i)] * width);
  Route route = Route::dense(1, 12);
  route.queries = route.keys = RowSet::from_rows(positions, 1, 12, device());
  route.gate_on = GateOn::Block;
  const Tensor rotary = rope_table(12, model.head_width(), model.rope_base, device());
  const std::vector<float> after =
      block.forward(Tensor::from(Shape{12, model.width}, stream, device()), route, 0.0F, {}, rotary).to_vector<float>();
  std::vector<float> out;
  for (const std::int32_t position : positions)
    out.insert(out.end(), after.begin() + position * width, after.begin() + (position + 1) * width);
  return out;
}

TEST(ModernPositions, APackedRowKeepsItsPlace) {
  const std::vector<float> here = updates_at({1, 4, 6}), shifted = updates_at({3, 6, 8}),
                           packed = updates_at({0, 1, 2});
  double moved = 0.0, squeezed = 0.0;
  for (std::size_t i = 0; i < here.size(); ++i) {
    moved = std::max(moved, std::abs(double(here[i]) - shifted[i]));
    squeezed = std::max(squeezed, std::abs(double(here[i]) - packed[i]));
  }
  // Distances alone count: a shift only rounds angles otherwise, some 30 roundings of numbers below 16. Taking the rows
  // for neighbours is another function.
  EXPECT_LT(moved, 30 * 16 * kEpsilon);
  EXPECT_GT(squeezed, 1e-2);
}

TEST(ModernLoss, ReportsTheZLossApart) {
  RunConfig config = modern_config(DepthPolicy::Dense);
  const auto first_step = [&] {
    Replica replica(config, device(), 1);
    SelfCommunicator alone;
    return Trainer(config, replica, alone).step(small_batch(config));
  };
  const StepReport with = first_step();
  // Logits start near 0: the logsumexp of 19 of them is log 19, up to half their variance.
  EXPECT_NEAR(with.z_loss, 1e-3 * std::log(19.0) * std::log(19.0), 0.05 * with.z_loss);
  EXPECT_EQ(with.auxiliary, with.z_loss);
  config.model.z_loss = 0.0;
  const StepReport without = first_step();
  EXPECT_EQ(without.z_loss, 0.0);
  EXPECT_EQ(without.loss, with.loss);
  EXPECT_NE(without.gradient_norm, with.gradient_norm);
}

}  // namespace
}  // namespace isobath::test
