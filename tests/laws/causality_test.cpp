// Law 8: a rule that claims to be causal decides the same about the past whatever comes later, and one that is not is
// seen to change its mind.

#include "laws/small_run.hpp"
#include "ops/autograd/tape.hpp"
#include "trainer/evaluate/rules.hpp"

namespace isobath::test {
namespace {

/// Positions chosen at every routed block, and the logits, for one sequence.
struct Seen {
  std::vector<std::vector<std::int32_t>> chosen;
  std::vector<float> logits;
};

Seen look(const Replica& replica, const Router& rule, const Batch& batch) {
  const NoGrad no_grad;
  const ModelOutput output = replica.model.forward(input_of(batch), rule, Phase::Evaluation, 0);
  Seen seen;
  for (const LayerRecord& record : output.routed) {
    const RowSet& rows = record.route.queries;
    seen.chosen.push_back(rows.is_all() ? std::vector<std::int32_t>{} : rows.positions().to_vector<std::int32_t>());
  }
  seen.logits = replica.model.logits(output.hidden).to_vector<float>();
  return seen;
}

Batch with_token(const RunConfig& config, const Batch& batch, std::int64_t position, std::int32_t token) {
  std::vector<std::int32_t> tokens = batch.inputs.to_vector<std::int32_t>();
  tokens[static_cast<std::size_t>(position)] = token;
  Batch changed = batch;
  changed.inputs = Tensor::from(Shape{config.model.context}, tokens, device());
  return changed;
}

std::vector<std::int32_t> before(const std::vector<std::int32_t>& positions, std::int64_t limit) {
  std::vector<std::int32_t> out;
  for (const std::int32_t p : positions)
    if (p < limit) out.push_back(p);
  return out;
}

/// Whether any change of a later token changes an earlier decision; earlier logits are checked on the way for causal
/// rules.
bool changes_its_past(const RunConfig& config, const Replica& replica, const Router& rule) {
  const Batch batch = small_batch(config, 0, {0, 1});
  const Seen original = look(replica, rule, batch);
  bool changed = false;
  for (std::int64_t position = 1; position < config.model.context; ++position) {
    for (std::int32_t token = 0; token < config.model.vocabulary; token += 3) {
      const Seen other = look(replica, rule, with_token(config, batch, position, token));
      for (std::size_t layer = 0; layer < other.chosen.size(); ++layer)
        changed |= before(original.chosen[layer], position) != before(other.chosen[layer], position);
      if (!rule.is_causal()) continue;
      // Packed rows of another number may be multiplied in other blocks: the one-forward bound of some 30 ops on logits
      // of order 1.
      for (std::size_t i = 0; i < static_cast<std::size_t>(position * config.model.vocabulary); ++i)
        EXPECT_NEAR(original.logits[i], other.logits[i], 64 * kEpsilon * 8) << rule.rule() << " at " << position;
    }
  }
  return changed;
}

class Causality : public testing::TestWithParam<Kind> {};

TEST_P(Causality, EveryRuleDoesAsItClaims) {
  const RunConfig config = small_config(GetParam());
  Replica replica(config, device(), 1);
  shake(replica, 0.15F);
  const RuleSet rules = rules_of(replica, std::vector<float>(4, 0.4F));
  for (const Router* rule : rules.all)
    EXPECT_EQ(changes_its_past(config, replica, *rule), !rule->is_causal()) << rule->rule();
}

INSTANTIATE_TEST_SUITE_P(Laws, Causality, every_kind(), name_of_kind);

TEST(Causality, SequencesOfABatchDoNotSeeEachOther) {
  const RunConfig config = small_config(DepthPolicy::MixtureOfDepths);
  Replica replica(config, device(), 1);
  shake(replica, 0.15F);
  const RuleSet rules = rules_of(replica, {});
  for (const Router* rule : rules.all) {
    const std::vector<float> alone = logits_of(replica, *rule, small_batch(config, 0, {2, 3}));
    const std::vector<float> together = logits_of(replica, *rule, small_batch(config, 0, {0, 8}));
    const std::size_t begin = 2 * alone.size();
    for (std::size_t i = 0; i < alone.size(); ++i)
      EXPECT_NEAR(alone[i], together[begin + i], 64 * kEpsilon * 8) << rule->rule();
  }
}

}  // namespace
}  // namespace isobath::test
