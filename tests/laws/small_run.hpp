#pragma once
// A model small enough for exact comparisons, with and without routing, and batches for it.

#include <numeric>
#include <tuple>

#include "configs/schema/run_config.hpp"
#include "data/batches/batch.hpp"
#include "parallel/self_communicator.hpp"
#include "support/compare.hpp"
#include "support/device.hpp"
#include "trainer/replica.hpp"
#include "trainer/trainer.hpp"

namespace isobath::test {

/// 4 blocks, 32 channels, 2 heads, 24 tokens, 19 symbols, 8 sequences a step, no dropout.
inline RunConfig small_config(DepthPolicy policy) {
  RunConfig config;
  config.model.layers = 4;
  config.model.width = 32;
  config.model.heads = 2;
  config.model.context = 24;
  config.model.vocabulary = 19;
  config.model.dropout = 0.0;
  config.depth.policy = policy;
  config.depth.mixture_of_depths.capacity = 0.25;
  config.train.batch = 8;
  config.train.steps = 100;
  config.optim.learning_rate = 3e-3;
  return config;
}

/// The same in the modern family: 4 heads that share 2 key heads, SwiGLU of 128, a z-loss.
inline RunConfig modern_config(DepthPolicy policy) {
  RunConfig config = small_config(policy);
  config.model.family = Family::Modern;
  config.model.heads = 4;
  config.model.kv_heads = 2;
  config.model.z_loss = 1e-3;
  return config;
}

inline RunConfig small_config(Family family, DepthPolicy policy) {
  return family == Family::Modern ? modern_config(policy) : small_config(policy);
}

/// Every policy in every family.
using Kind = std::tuple<Family, DepthPolicy>;
inline auto every_kind() {
  return testing::Combine(
      testing::Values(Family::Paper, Family::Modern),
      testing::Values(DepthPolicy::Dense, DepthPolicy::TokenSelective, DepthPolicy::MixtureOfDepths));
}
inline RunConfig small_config(const Kind& kind) { return small_config(std::get<0>(kind), std::get<1>(kind)); }
inline std::string name_of_kind(const testing::TestParamInfo<Kind>& info) {
  return std::string(name_of(std::get<0>(info.param))) + "_" + std::string(name_of(std::get<1>(info.param)));
}

inline const char* name_of_policy(DepthPolicy policy) { return name_of(policy).data(); }

/// Global samples [range.begin, range.end) of step `step`: tokens are functions of the sample, so any cut into ranks
/// sees the same text.
inline Batch small_batch(const RunConfig& config, std::int64_t step, IndexRange range, Device device = test::device()) {
  HostBatch host;
  host.context = config.model.context;
  const auto key = RandomKey{7, Purpose::Test, 0, 0}.words();
  const auto vocabulary = static_cast<std::uint32_t>(config.model.vocabulary);
  for (std::int64_t i = range.begin; i < range.end; ++i) {
    const std::int64_t sample = step * config.train.batch + i;
    // A walk with few choices, so that there is something to learn.
    std::uint32_t token = draw4(key, static_cast<std::uint64_t>(sample), 0, 0)[0] % vocabulary;
    for (std::int64_t t = 0; t < config.model.context; ++t) {
      host.inputs.push_back(static_cast<std::int32_t>(token));
      token = (token * 3 + 1 +
               draw4(key, static_cast<std::uint64_t>(sample), static_cast<std::uint64_t>(t + 1), 0)[0] % 2) %
              vocabulary;
      host.targets.push_back(static_cast<std::int32_t>(token));
    }
    host.samples.push_back(sample);
    host.valid_targets.push_back(config.model.context);
    host.digests.push_back(sample);
  }
  return host.to(device);
}

inline Batch small_batch(const RunConfig& config, std::int64_t step = 0) {
  return small_batch(config, step, {0, config.train.batch});
}

inline ModelInput input_of(const Batch& batch, std::int64_t step = 0) {
  const float unit = 1.0F / static_cast<float>(batch.size() * batch.context);
  return {batch.inputs,
          {batch.size(), batch.context, step, batch.samples,
           Tensor::from(Shape{1}, std::span<const float>(&unit, 1), batch.inputs.device())}};
}

/// Logits of every row, [B * T, V].
inline std::vector<float> logits_of(const Replica& replica, const Router& rule, const Batch& batch) {
  const NoGrad no_grad;
  return replica.model.logits(replica.model.forward(input_of(batch), rule, Phase::Evaluation, 0).hidden)
      .to_vector<float>();
}

/// Every parameter moved away from its start by N(0, deviation), so that gates and routers say something.
inline void shake(const Replica& replica, float deviation, std::uint64_t seed = 5) {
  for (Parameter* parameter : replica.parameters.parameters()) {
    std::vector<float> values = parameter->value.to_vector<float>();
    const std::vector<float> noise = random_values(parameter->shape.count(), seed++, 1.7F * deviation);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += noise[i];
    parameter->value.copy_from(Tensor::from(parameter->shape, values));
  }
  replica.parameters.refresh_operands();
}

/// Peak bytes of a step that has settled, on the program's device.
inline double settled_peak(const RunConfig& config) {
  trim_allocator();
  const std::int64_t start = allocator_stats(device().kind).bytes_in_use;
  Replica replica(config, device(), 1);
  SelfCommunicator alone;
  Trainer trainer(config, replica, alone);
  const Batch batch = small_batch(config);
  trainer.step(batch);
  reset_allocator_peak(device().kind);
  trainer.step(batch);
  return static_cast<double>(allocator_stats(device().kind).bytes_peak - start);
}

}  // namespace isobath::test
