#include "trainer/report/run_summary.hpp"

#include <algorithm>
#include <fstream>
#include <numeric>

#include "ops/core/error.hpp"
#include "ops/core/files/json.hpp"
#include "trainer/run/run_setup.hpp"

namespace isobath {
namespace {

using nlohmann::json;

double median(std::vector<double> values) {
  if (values.empty()) return 0.0;
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

void read_metrics(const std::filesystem::path& path, RunSummary& summary) {
  std::ifstream file(path);
  if (!file) throw DataError(text(path.string(), ": cannot be read; train the run first"));
  std::vector<double> speeds;
  std::int64_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    try {
      const json entry = json::parse(line);
      if (entry.at("kind") != "step") continue;
      summary.training_flops += entry.at("executed_flops").get<double>();
      summary.curve.push_back({entry.at("step"), summary.training_flops, entry.at("loss")});
      speeds.push_back(entry.at("tokens_per_second"));
    } catch (const json::exception& error) {
      throw DataError(text(path.string(), ':', number, ": is no line of isobath's metrics: ", error.what()));
    }
  }
  summary.tokens_per_second = median(std::move(speeds));
}

RuleScore rule_of(const json& entry) {
  RuleScore score;
  score.rule = entry.at("rule");
  score.is_causal = entry.at("causal");
  score.is_deployable = entry.at("deployable");
  score.loss = entry.at("loss");
  const json& flops = entry.at("forward_flops");
  score.executed_share = flops.at("executed").get<double>() / flops.at("dense_equivalent").get<double>();
  score.skipped_per_block = entry.at("skipped_per_block").get<std::vector<double>>();
  return score;
}

void read_evaluation(const std::filesystem::path& path, RunSummary& summary) {
  std::ifstream file(path);
  if (!file) throw DataError(text(path.string(), ": cannot be read; run isobath evaluate first"));
  try {
    const json entry = json::parse(file);
    summary.name = entry.at("run");
    for (const json& rule : entry.at("rules")) summary.rules.push_back(rule_of(rule));
  } catch (const json::exception& error) {
    throw DataError(text(path.string(), ": is no evaluation of isobath's: ", error.what()));
  }
  if (summary.rules.empty()) throw DataError(text(path.string(), ": holds no rule"));
}

}  // namespace

const RuleScore& RunSummary::deployable_rule() const {
  const auto found =
      std::find_if(rules.begin(), rules.end(), [](const RuleScore& score) { return score.is_deployable; });
  return found == rules.end() ? rules.front() : *found;
}

double RunSummary::skipped_share(const RuleScore& score) {
  const auto& skipped = score.skipped_per_block;
  return skipped.empty() ? 0.0
                         : std::accumulate(skipped.begin(), skipped.end(), 0.0) / static_cast<double>(skipped.size());
}

RunSummary summarise(const std::filesystem::path& run) {
  RunSummary summary;
  const RunPaths paths{run};
  read_metrics(paths.metrics(), summary);
  read_evaluation(paths.evaluation(), summary);
  return summary;
}

}  // namespace isobath
