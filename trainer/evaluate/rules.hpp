#pragma once
#include <memory>
#include <vector>

#include "data/batches/loader.hpp"
#include "parallel/communicator.hpp"
#include "trainer/replica.hpp"

namespace isobath {

/// The rule a model is deployed with, and every other one it can be scored under.
struct RuleSet {
  std::vector<std::unique_ptr<Router>> owned;
  /// Training rule first, then the others in the order of the table; all outlived by the replica.
  std::vector<const Router*> all;
  /// Causal and really skipping, if the method has one; otherwise the training rule.
  const Router* deployable = nullptr;
};

/// Gate quantiles of a Token-Selective model on training text: for each block the threshold above which the share of
/// rows equals the mean gate. `batches` training batches are looked at; every rank sees its own and the thresholds are
/// averaged over ranks. Collective.
std::vector<float> quantile_thresholds(const Replica& replica, Loader& loader, std::int64_t batches,
                                       Communicator& ranks);

/// The rules of the replica's policy. `thresholds` from quantile_thresholds, or empty to leave the quantile rule out.
RuleSet rules_of(const Replica& replica, const std::vector<float>& thresholds);

}  // namespace isobath
