// A bf16 run follows the f32 run: a block's outputs and gradients on equal weights, and the losses of 30 steps. bf16
// keeps 8 bits, so a rounding is off by at most u = 2^-9 relative.

#include "laws/small_run.hpp"
#include "ops/autograd/tape.hpp"
#include "ops/cross_entropy/cross_entropy.hpp"

namespace isobath::test {
namespace {

constexpr double kUnit = 0x1p-9;

RunConfig bf16_config(DepthPolicy policy) {
  RunConfig config = small_config(policy);
  config.system.dtype = DTypeChoice::Bf16;
  return config;
}

/// Weights that bf16 holds exactly, so that both runs multiply the same numbers.
void round_weights(const Replica& replica) {
  shake(replica, 0.05F);
  for (Parameter* parameter : replica.parameters.parameters()) {
    std::vector<float> values = parameter->value.to_vector<float>();
    for (float& value : values) value = float(bfloat16(value));
    parameter->value.copy_from(Tensor::from(parameter->shape, values));
  }
  replica.parameters.refresh_operands();
}

struct Pass {
  std::vector<double> logits;
  std::map<std::string, std::vector<double>> gradients;
};

Pass run_pass(const RunConfig& config) {
  Replica replica(config, device(), 1);
  round_weights(replica);
  clear_tape();
  const Batch batch = small_batch(config);
  const ModelInput input = input_of(batch);
  ModelOutput output = replica.model.forward(input, *replica.router, Phase::Training, 1);
  Tensor logits = replica.model.logits(output.hidden);
  Pass pass;
  pass.logits = to_doubles(logits);
  backward(cross_entropy(std::move(logits), batch.targets, input.context.unit));
  for (const Parameter* parameter : replica.parameters.parameters()) {
    EXPECT_EQ(parameter->gradient.dtype(), DType::F32);
    pass.gradients[parameter->name] = to_doubles(parameter->gradient);
  }
  return pass;
}

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double squares = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) squares += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(squares) / norm(b);
}

// On the way to the logits a block rounds at most 6 times in a row (norm, q/k/v, attention, norm, up, slope), backward
// about as often again, and errors of L blocks add as independent ones do: sqrt(12 L + 2) roundings of standard
// deviation u / sqrt(3), with 3 deviations of room, in the Euclidean norm.
double bound_of(const RunConfig& config) {
  return 3.0 * std::sqrt(12.0 * static_cast<double>(config.model.layers) + 2.0) * kUnit / std::sqrt(3.0);
}

TEST(Bf16, ForwardAndBackwardFollowF32OnEqualWeights) {
  for (const DepthPolicy policy : {DepthPolicy::Dense, DepthPolicy::TokenSelective}) {
    const Pass exact = run_pass(small_config(policy)), rounded = run_pass(bf16_config(policy));
    const double bound = bound_of(small_config(policy));
    const double logits = distance(rounded.logits, exact.logits);
    EXPECT_LT(logits, bound) << name_of_policy(policy);
    EXPECT_GT(logits, 0.1 * kUnit) << "nothing was rounded";
    for (const auto& [name, gradient] : exact.gradients) {
      // Keys' biases shift all scores of a query alike: their gradient is 0 but for rounding.
      if (name.ends_with("key.bias") || norm(gradient) == 0.0) continue;
      EXPECT_LT(distance(rounded.gradients.at(name), gradient), bound) << name_of_policy(policy) << ' ' << name;
    }
  }
}

TEST(Bf16, RoutersDecideFromTheF32Stream) {
  const RunConfig config = bf16_config(DepthPolicy::MixtureOfDepths);
  Replica replica(config, device(), 1);
  const NoGrad no_grad;
  const ModelInput input = input_of(small_batch(config));
  const ModelOutput output = replica.model.forward(input, *replica.router, Phase::Training, 1);
  ASSERT_FALSE(output.routed.empty());
  for (const LayerRecord& record : output.routed) EXPECT_EQ(record.route.gates.dtype(), DType::F32);
  EXPECT_EQ(output.hidden.dtype(), DType::BF16);
  EXPECT_EQ(replica.model.logits(output.hidden).dtype(), DType::F32);
}

std::vector<double> losses_of(const RunConfig& config, std::int64_t steps) {
  Replica replica(config, device(), 1);
  SelfCommunicator alone;
  Trainer trainer(config, replica, alone);
  std::vector<double> losses;
  for (std::int64_t step = 0; step < steps; ++step) losses.push_back(trainer.step(small_batch(config, step)).loss);
  return losses;
}

// The spread of f32 runs that differ in their initial weights is what nobody takes for a difference between methods;
// the rounding of bf16 has to stay well inside it.
TEST(Bf16, LossesFollowF32OverThirtySteps) {
  constexpr std::int64_t kSteps = 30;
  for (const DepthPolicy policy : {DepthPolicy::Dense, DepthPolicy::TokenSelective, DepthPolicy::MixtureOfDepths}) {
    const std::vector<double> exact = losses_of(small_config(policy), kSteps),
                              rounded = losses_of(bf16_config(policy), kSteps);
    std::vector<double> spread(kSteps, 0.0);
    for (const std::int64_t seed : {2, 3}) {
      RunConfig other = small_config(policy);
      other.seed = seed;
      const std::vector<double> losses = losses_of(other, kSteps);
      for (std::size_t i = 0; i < losses.size(); ++i) spread[i] = std::max(spread[i], std::abs(losses[i] - exact[i]));
    }
    const double usual = std::accumulate(spread.begin(), spread.end(), 0.0) / kSteps;
    double off = 0.0;
    for (std::size_t i = 0; i < exact.size(); ++i) off += std::abs(rounded[i] - exact[i]) / kSteps;
    EXPECT_LT(off, 0.25 * usual) << name_of_policy(policy);
    EXPECT_GT(off, 0.0) << name_of_policy(policy);
    EXPECT_LT(rounded.back(), 0.9 * rounded.front()) << name_of_policy(policy);
  }
}

TEST(Bf16, EvaluationReadsTheWeightsOfTheLastStep) {
  const RunConfig config = bf16_config(DepthPolicy::Dense);
  Replica replica(config, device(), 1);
  SelfCommunicator alone;
  Trainer trainer(config, replica, alone);
  trainer.step(small_batch(config));
  const std::vector<float> values = replica.parameters.values().to_vector<float>();
  const std::vector<bfloat16> operands = replica.parameters.operands().to_vector<bfloat16>();
  for (std::size_t i = 0; i < values.size(); ++i) ASSERT_EQ(bfloat16(values[i]).bits, operands[i].bits) << i;
}

}  // namespace
}  // namespace isobath::test
