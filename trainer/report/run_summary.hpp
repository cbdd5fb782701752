#pragma once
// A run as its files tell it: metrics.jsonl and evaluation.json.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace isobath {

/// A point of the training curve.
struct CurvePoint {
  std::int64_t step = 0;
  double flops = 0.0;  ///< executed so far, forward and backward
  double loss = 0.0;   ///< of the step's batch
};

struct RuleScore {
  std::string rule;
  bool is_causal = true;
  bool is_deployable = false;
  double loss = 0.0;
  double executed_share = 0.0;  ///< forward FLOPs over those of the same model without routing
  std::vector<double> skipped_per_block;
};

struct RunSummary {
  std::string name;
  std::vector<CurvePoint> curve;
  double training_flops = 0.0;     ///< executed
  double tokens_per_second = 0.0;  ///< median over the steps
  std::vector<RuleScore> rules;    ///< training rule first

  const RuleScore& training_rule() const { return rules.front(); }
  /// The deployable rule; the training rule where there is no other.
  const RuleScore& deployable_rule() const;
  /// Mean over blocks.
  static double skipped_share(const RuleScore& score);
};

/// Throws DataError naming the file and line when the run has no metrics or no evaluation, or they cannot be read.
RunSummary summarise(const std::filesystem::path& run);

}  // namespace isobath
