#pragma once
// Rules for deployment: wrappers around a trained router that decide by a fixed threshold, so that no decision looks
// ahead.

#include <string>
#include <vector>

#include "trainer/routing/mixture_of_depths.hpp"
#include "trainer/routing/token_selective.hpp"

namespace isobath {

/// What an open token's update is multiplied by under a hard rule.
enum class OpenWeight { One, Gate };

/// Token-Selective with closed tokens skipped: a token is open where its gate 1 - p is at least the layer's threshold.
/// Closed tokens still serve as keys, as in the paper's sparse inference.
class HardTokenSelective final : public Router {
 public:
  /// thresholds: one per block; those of unrouted blocks are not looked at. `trained` outlives this.
  HardTokenSelective(const TokenSelective& trained, std::string rule, std::vector<float> thresholds, OpenWeight weight);

  std::string rule() const override { return rule_; }
  bool is_causal() const override { return true; }
  bool routes(int layer) const override { return trained_.routes(layer); }
  Route route(int layer, const Streams& streams, const RoutingContext& context) const override;

 private:
  const TokenSelective& trained_;
  std::string rule_;
  std::vector<float> thresholds_;
  OpenWeight weight_;
};

enum class MembershipSource { Score, Predictor };

/// Mixture-of-Depths with top-k replaced by a sign: of the score itself (trained by the auxiliary BCE) or of the
/// predictor's logit.
class CausalMixtureOfDepths final : public Router {
 public:
  CausalMixtureOfDepths(const MixtureOfDepths& trained, MembershipSource source) : trained_(trained), source_(source) {}

  std::string rule() const override { return source_ == MembershipSource::Score ? "score-threshold" : "predictor"; }
  bool is_causal() const override { return true; }
  bool routes(int layer) const override { return trained_.routes(layer); }
  Route route(int layer, const Streams& streams, const RoutingContext& context) const override;

 private:
  const MixtureOfDepths& trained_;
  MembershipSource source_;
};

}  // namespace isobath
