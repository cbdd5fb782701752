// What recomputation is: an op that keeps its inputs alone, completes parameters no sooner than recording would, costs
// a forward pass of the blocks, and needs the memory that the dry run says.

#include "laws/small_run.hpp"
#include "ops/add/add.hpp"
#include "ops/autograd/tape.hpp"
#include "ops/scale_rows/scale_rows.hpp"
#include "ops/sum/sum.hpp"
#include "trainer/run/dry_run.hpp"

namespace isobath::test {
namespace {

/// A leaf that says when it is complete.
struct DrawnLeaf {
  Tensor value, gradient;
  int completions = 0;

  DrawnLeaf(Shape shape, std::uint64_t seed)
      : value(Tensor::from(shape, random_values(shape.count(), seed), device())),
        gradient(Tensor::zeros(shape, DType::F32, device())) {
    value.set_grad_slot(std::make_shared<GradSlot>(gradient));
    value.grad_slot()->on_complete([this] { ++completions; });
  }
};

enum class How { Recorded, Recomputed };

Tensor run(How how, std::function<Tensor()> body) { return how == How::Recorded ? body() : recomputed("body", body); }

Tensor total(const Tensor& x) {
  const float one = 1.0F;
  return sum(x, 1.0F, Tensor::from(Shape{1}, std::span<const float>(&one, 1), device()));
}

struct Gradients {
  std::vector<float> x, gates;
  bool operator==(const Gradients&) const = default;
};

// The gates scale twice within bodies and once outside; what enters a body is read twice there and again after it, as
// routers read the stream of a block before. Sums of three and more parts, whose bits depend on their order.
Gradients gradients_of(How how) {
  clear_tape();
  DrawnLeaf x(Shape{7, 5}, 1), gates(Shape{7}, 2);
  Tensor h = scale_rows(x.value, gates.value);
  for (int block = 0; block < 2; ++block) {
    const Tensor left = run(how, [h, gate = gates.value] { return add(h, scale_rows(scale_rows(h, gate), gate)); });
    h = add(left, scale_rows(h, gates.value));
  }
  backward(total(h));
  EXPECT_EQ(x.completions, 1);
  EXPECT_EQ(gates.completions, 1);
  EXPECT_EQ(tape_size(), 0U);
  return {x.gradient.to_vector<float>(), gates.gradient.to_vector<float>()};
}

TEST(Recomputed, AddsContributionsInTheOrderOfRecording) {
  EXPECT_TRUE(gradients_of(How::Recorded) == gradients_of(How::Recomputed));
}

TEST(Recomputed, HoldsALeafIncompleteUntilItsLastBodyHasRun) {
  clear_tape();
  DrawnLeaf gates(Shape{4}, 3);
  Tensor h = Tensor::from(Shape{4, 3}, random_values(12, 4), device());
  std::vector<int> seen;  // completions when each body ran
  for (int block = 0; block < 3; ++block)
    h = recomputed("body", [h, &gates, &seen] {
      seen.push_back(gates.completions);
      return scale_rows(h, gates.value);
    });
  EXPECT_EQ(tape_size(), 3U);
  backward(total(h));
  EXPECT_EQ(seen, (std::vector<int>{0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(gates.completions, 1);
}

TEST(Recomputed, IsACallWhereNothingIsRecorded) {
  clear_tape();
  const DrawnLeaf x(Shape{4, 3}, 5);
  int calls = 0;
  const auto body = [&] {
    ++calls;
    return add(x.value, x.value);
  };
  {
    const NoGrad no_grad;
    EXPECT_EQ(recomputed("body", body).grad_slot(), nullptr);
  }
  const Tensor constant = Tensor::zeros(Shape{2}, DType::F32, device());
  EXPECT_EQ(recomputed("body", [&] { return add(constant, constant); }).grad_slot(), nullptr);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(tape_size(), 0U);
}

TEST(Recomputed, MayContainItself) {
  const auto gradient = [](How outer, How inner) {
    clear_tape();
    DrawnLeaf gates(Shape{4}, 6);
    const Tensor h = Tensor::from(Shape{4, 3}, random_values(12, 7), device());
    backward(total(run(outer, [&] {
      const Tensor once = run(inner, [&] { return scale_rows(h, gates.value); });
      return scale_rows(once, gates.value);
    })));
    EXPECT_EQ(gates.completions, 1);
    return gates.gradient.to_vector<float>();
  };
  EXPECT_EQ(gradient(How::Recorded, How::Recorded), gradient(How::Recomputed, How::Recomputed));
}

class RecomputedStep : public testing::TestWithParam<Kind> {};

TEST_P(RecomputedStep, ExecutesTheBlocksForwardOnceMoreAndTheRoutersNot) {
  RunConfig config = small_config(GetParam());
  const Ledger kept = measure_dry_run(config, 1).step;
  config.train.recompute = Recompute::Block;
  const Ledger again = measure_dry_run(config, 1).step;
  for (std::size_t kind = 0; kind < kWorkKinds; ++kind) {
    const auto work = static_cast<Work>(kind);
    const bool in_block = work == Work::Projection || work == Work::Attention || work == Work::Ffn;
    EXPECT_EQ(again.of(work, Direction::Forward), kept.of(work, Direction::Forward)) << isobath::name_of(work);
    EXPECT_EQ(again.of(work, Direction::Backward), kept.of(work, Direction::Backward)) << isobath::name_of(work);
    EXPECT_EQ(kept.of(work, Direction::Recomputed), 0) << isobath::name_of(work);
    EXPECT_EQ(again.of(work, Direction::Recomputed), in_block ? kept.of(work, Direction::Forward) : 0)
        << isobath::name_of(work);
  }
  Replica replica(config, device(), 1);
  SelfCommunicator alone;
  const StepReport report = Trainer(config, replica, alone).step(small_batch(config));
  EXPECT_EQ(report.executed_flops, static_cast<double>(kept.total()));
  EXPECT_EQ(report.recomputed_flops, static_cast<double>(again.recomputed()));
}

TEST_P(RecomputedStep, PeaksWhereTheDryRunSaid) {
  for (const DTypeChoice dtype : {DTypeChoice::F32, DTypeChoice::Bf16}) {
    RunConfig config = small_config(GetParam());
    config.model.width = 64;
    config.model.context = 64;
    config.system.dtype = dtype;
    config.train.recompute = Recompute::Block;
    const DryRun said = measure_dry_run(config, 1);
    const RecomputeChoice choice = measure_recompute(config, 1);
    EXPECT_EQ(choice.recomputed_activations, said.memory.activations);
    // Of four blocks one at a time is kept whole, of the others their input.
    EXPECT_LT(static_cast<double>(choice.recomputed_activations), 0.6 * static_cast<double>(choice.kept_activations));
    const double peak = settled_peak(config);
    EXPECT_NEAR(peak, static_cast<double>(said.memory.training()), 0.15 * peak);
  }
}

INSTANTIATE_TEST_SUITE_P(Laws, RecomputedStep, every_kind(), name_of_kind);

}  // namespace
}  // namespace isobath::test
