#include "trainer/evaluate/rules.hpp"

#include <algorithm>
#include <numeric>

#include "ops/autograd/tape.hpp"
#include "parallel/stopping.hpp"
#include "trainer/routing/hard_rules.hpp"

namespace isobath {
namespace {

/// p > 0.5 skips: a gate 1 - p of at least one half is open.
constexpr float kHalf = 0.5F;

/// The value at or above which a share of the values equal to their mean lies.
double threshold_at_mean(std::vector<float>& gates) {
  const double mean = std::accumulate(gates.begin(), gates.end(), 0.0) / static_cast<double>(gates.size());
  const auto open = static_cast<std::size_t>(mean * static_cast<double>(gates.size()));
  const std::size_t first_open = std::min(gates.size() - 1, gates.size() - open);
  const auto nth = gates.begin() + static_cast<std::ptrdiff_t>(first_open);
  std::nth_element(gates.begin(), nth, gates.end());
  return *nth;
}

RuleSet token_selective_rules(const TokenSelective& trained, std::size_t layers, const std::vector<float>& thresholds) {
  RuleSet rules;
  const std::vector<float> halves(layers, kHalf);
  rules.owned.push_back(std::make_unique<HardTokenSelective>(trained, "hard-binary", halves, OpenWeight::One));
  rules.owned.push_back(std::make_unique<HardTokenSelective>(trained, "hard-keep", halves, OpenWeight::Gate));
  rules.deployable = rules.owned.back().get();
  if (!thresholds.empty())
    rules.owned.push_back(std::make_unique<HardTokenSelective>(trained, "quantile", thresholds, OpenWeight::Gate));
  return rules;
}

RuleSet mixture_rules(const MixtureOfDepths& trained) {
  RuleSet rules;
  if (trained.has_auxiliary())
    rules.owned.push_back(std::make_unique<CausalMixtureOfDepths>(trained, MembershipSource::Score));
  if (trained.has_predictor())
    rules.owned.push_back(std::make_unique<CausalMixtureOfDepths>(trained, MembershipSource::Predictor));
  if (!rules.owned.empty()) rules.deployable = rules.owned.back().get();
  return rules;
}

}  // namespace

std::vector<float> quantile_thresholds(const Replica& replica, Loader& loader, std::int64_t batches,
                                       Communicator& ranks) {
  const auto* trained = dynamic_cast<const TokenSelective*>(replica.router.get());
  if (trained == nullptr) return {};
  const NoGrad no_grad;
  std::vector<std::vector<float>> gates(static_cast<std::size_t>(replica.model.config().layers));
  for (std::int64_t i = 0; i < batches; ++i) {
    leave_if_asked(ranks, "while thresholds were sought");
    const Batch batch = loader.next();
    const ModelInput input{batch.inputs, {batch.size(), batch.context, 0, batch.samples, {}}};
    for (const LayerRecord& record : replica.model.forward(input, *trained, Phase::Evaluation, 0).routed) {
      const std::vector<float> seen = record.route.gates.to_vector<float>();
      auto& all = gates[static_cast<std::size_t>(record.layer)];
      all.insert(all.end(), seen.begin(), seen.end());
    }
  }
  std::vector<double> thresholds(gates.size(), 0.0);
  for (std::size_t layer = 0; layer < gates.size(); ++layer)
    if (!gates[layer].empty()) thresholds[layer] = threshold_at_mean(gates[layer]);
  ranks.all_reduce(MutableBuffer::of(thresholds), Reduce::Sum).before(CpuQueue{});
  std::vector<float> out;
  for (const double sum : thresholds) out.push_back(static_cast<float>(sum / ranks.size()));
  return out;
}

RuleSet rules_of(const Replica& replica, const std::vector<float>& thresholds) {
  RuleSet rules;
  const auto layers = static_cast<std::size_t>(replica.model.config().layers);
  if (const auto* selective = dynamic_cast<const TokenSelective*>(replica.router.get()))
    rules = token_selective_rules(*selective, layers, thresholds);
  else if (const auto* mixture = dynamic_cast<const MixtureOfDepths*>(replica.router.get()))
    rules = mixture_rules(*mixture);
  rules.all.push_back(replica.router.get());
  for (const auto& rule : rules.owned) rules.all.push_back(rule.get());
  if (rules.deployable == nullptr) rules.deployable = replica.router.get();
  return rules;
}

}  // namespace isobath
