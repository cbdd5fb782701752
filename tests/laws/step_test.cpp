// What a step costs, and what --dry-run said of it.

#include "laws/small_run.hpp"
#include "trainer/run/dry_run.hpp"

namespace isobath::test {
namespace {

class Step : public testing::TestWithParam<Kind> {};

TEST_P(Step, PeaksWhereTheDryRunSaid) {
  RunConfig config = small_config(GetParam());
  config.model.width = 64;
  config.model.context = 64;
  const DryRun said = measure_dry_run(config, 1);
  const double peak = settled_peak(config);
  EXPECT_NEAR(peak, static_cast<double>(said.memory.training()), 0.15 * peak);
}

TEST_P(Step, ExecutesTheFlopsThatTheDryRunSaid) {
  const RunConfig config = small_config(GetParam());
  const DryRun said = measure_dry_run(config, 1);
  Replica replica(config, device(), 1);
  SelfCommunicator alone;
  Trainer trainer(config, replica, alone);
  const StepReport report = trainer.step(small_batch(config));
  // The dry run does not know where top-k's rows lie, and all rows of a sequence can see each other's pairs alike:
  // equal counts.
  EXPECT_EQ(static_cast<double>(said.step.total()), report.executed_flops);
}

INSTANTIATE_TEST_SUITE_P(Laws, Step, every_kind(), name_of_kind);

TEST(NotFinite, StopsWithTheWeightsOfBefore) {
  const RunConfig config = small_config(DepthPolicy::Dense);
  Replica replica(config, device(), 1);
  SelfCommunicator alone;
  Trainer trainer(config, replica, alone);
  trainer.step(small_batch(config));
  Parameter* poisoned = replica.parameters.parameters()[4];
  std::vector<float> values = poisoned->value.to_vector<float>();
  values[0] = std::numeric_limits<float>::infinity();
  poisoned->value.copy_from(Tensor::from(poisoned->shape, values));
  const std::vector<float> before = replica.parameters.values().to_vector<float>();
  try {
    trainer.step(small_batch(config, 1));
    FAIL() << "a step with an infinite weight went through";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::Stopped);
    EXPECT_NE(std::string(error.what()).find("first tensor that is not finite: the gradient of"), std::string::npos)
        << error.what();
  }
  EXPECT_EQ(replica.parameters.values().to_vector<float>(), before);
  EXPECT_EQ(trainer.steps_done(), 1);
}

}  // namespace
}  // namespace isobath::test
