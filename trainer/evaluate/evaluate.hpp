#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "data/batches/validation_windows.hpp"
#include "ops/core/ledger.hpp"
#include "parallel/communicator.hpp"
#include "trainer/replica.hpp"

namespace isobath {

/// A model's score on a set of windows under one routing rule.
struct Evaluation {
  std::string rule;
  bool is_causal = true;
  bool is_deployable = false;  ///< the rule that the policy is deployed with
  double loss = 0.0;           ///< mean nats per target
  std::int64_t targets = 0;
  std::int64_t tokens = 0;      ///< positions computed, padding included: what the FLOPs are over
  std::vector<double> depth;    ///< per block: share of rows whose update was computed
  std::vector<double> gate;     ///< per block: mean gate, closed rows counting 0
  double executed_flops = 0.0;  ///< forward
  double soft_flops = 0.0;      ///< forward, blocks weighted by their mean gate
  double dense_flops = 0.0;     ///< forward, the same model without routing
};

/// Scores every target of `windows` once, this rank a contiguous share of them, `batch` windows in one pass.
/// Collective. Throws StoppedOnRequest on every rank when one was asked to stop.
/// `before_pass` is called before each forward pass.
Evaluation evaluate(
    const Replica& replica, const Router& rule, const ValidationWindows& windows, std::int64_t batch,
    Communicator& ranks, const std::function<void()>& before_pass = [] {});

}  // namespace isobath
