#pragma once
// Which tokens pass through which blocks. Sections of policies that are not chosen are read and checked by range, but
// have no effect.

#include <array>
#include <cstdint>
#include <string>

#include "configs/schema/checker.hpp"
#include "configs/schema/enum_names.hpp"
#include "configs/schema/field_rule.hpp"

namespace isobath {

enum class DepthPolicy { Dense, TokenSelective, MixtureOfDepths, Replay };
constexpr auto enum_names(DepthPolicy) {
  return std::array{EnumName{DepthPolicy::Dense, "dense"}, EnumName{DepthPolicy::TokenSelective, "token_selective"},
                    EnumName{DepthPolicy::MixtureOfDepths, "mixture_of_depths"},
                    EnumName{DepthPolicy::Replay, "replay"}};
}

/// The residual branches that a Token-Selective gate multiplies.
enum class GateBranches { Both, Attention, Ffn };
constexpr auto enum_names(GateBranches) {
  return std::array{EnumName{GateBranches::Both, "both"}, EnumName{GateBranches::Attention, "attention"},
                    EnumName{GateBranches::Ffn, "ffn"}};
}

/// The stream that the gate of block l reads: what leaves block l-1 (the paper), or what enters block l-1, so that the
/// decision is known one block ahead.
enum class GatePosition { AfterBlock, BeforeBlock };
constexpr auto enum_names(GatePosition) {
  return std::array{EnumName{GatePosition::AfterBlock, "after_block"},
                    EnumName{GatePosition::BeforeBlock, "before_block"}};
}

/// The residual stream as it is (the paper), or normalised to mean 0 and deviation 1 per token without learned scale.
enum class RouterInput { Residual, Normalised };
constexpr auto enum_names(RouterInput) {
  return std::array{EnumName{RouterInput::Residual, "residual"}, EnumName{RouterInput::Normalised, "normalised"}};
}

struct TokenSelectiveConfig {
  double lambda = 0.001;
  double initial_bias = -1.0;
  std::int64_t stem = 1;
  GateBranches branches = GateBranches::Both;
  GatePosition position = GatePosition::AfterBlock;
  RouterInput router_input = RouterInput::Residual;
  double hidden_ratio = 0.25;
  std::int64_t hidden_floor = 16;

  static void fields(auto& self, auto&& field) {
    using enum OnResume;
    field("lambda", self.lambda, at_least(0), Same, "weight of the mean open share in the loss, in nats");
    field("initial_bias", self.initial_bias, in(-50, 50), Same,
          "initial output bias of a router; the skip probability starts near sigmoid(initial_bias)");
    field("stem", self.stem, at_least(1), Same, "first blocks without a gate");
    field("branches", self.branches, anything(), Same, "residual branches that the gate multiplies");
    field("position", self.position, anything(), Same,
          "stream that a router reads: after_block, what leaves the block before the gated one; before_block, what "
          "enters it");
    field("router_input", self.router_input, anything(), Same,
          "residual: the stream as it is; normalised: mean 0 and deviation 1 per token");
    field("hidden_ratio", self.hidden_ratio, above(0).up_to(16), Same,
          "hidden units of a router per channel of the model");
    field("hidden_floor", self.hidden_floor, at_least(1), Same, "least number of hidden units of a router");
  }
};

struct MixtureOfDepthsConfig {
  double capacity = 0.125;
  std::int64_t every = 2;
  std::int64_t first = 1;
  double auxiliary_weight = 0.01;
  bool predictor = true;
  double predictor_lr_scale = 1.0;
  double predictor_hidden_ratio = 0.25;

  /// Tokens of a sequence of `context` that enter a routed block: floor(capacity x context), where a product that is an
  /// integer but for the rounding of `capacity` counts as that integer (0.29 x 100 is 29).
  std::int64_t tokens_kept(std::int64_t context) const;

  static void fields(auto& self, auto&& field) {
    using enum OnResume;
    field("capacity", self.capacity, above(0).up_to(1), Same,
          "share of the tokens of a sequence that enter a routed block");
    field("every", self.every, at_least(1), Same, "every n-th block is routed, counted from `first`");
    field("first", self.first, at_least(0), Same,
          "index of the first routed block; the first block of the model has index 0");
    field("auxiliary_weight", self.auxiliary_weight, at_least(0), Same,
          "weight of the router's binary cross-entropy in the loss, in nats");
    field("predictor", self.predictor, anything(), Same, "train the causal predictor of the router's choice");
    field("predictor_lr_scale", self.predictor_lr_scale, above(0), Same,
          "learning rate of the predictor, as a multiple of optim.learning_rate");
    field("predictor_hidden_ratio", self.predictor_hidden_ratio, above(0).up_to(16), Same,
          "hidden units of the predictor per channel of the model");
  }
};

struct ReplayConfig {
  std::string trace;

  static void fields(auto& self, auto&& field) {
    field("trace", self.trace, anything(), OnResume::Same, "file of recorded routes; needed by policy replay");
  }
};

struct DepthConfig {
  DepthPolicy policy = DepthPolicy::Dense;
  TokenSelectiveConfig token_selective;
  MixtureOfDepthsConfig mixture_of_depths;
  ReplayConfig replay;

  static void fields(auto& self, auto&& field) {
    field("policy", self.policy, anything(), OnResume::Same, "how tokens are chosen for blocks");
    field("token_selective", self.token_selective, "gates per token and block (TSA)");
    field("mixture_of_depths", self.mixture_of_depths,
          "the best-scored tokens of a sequence enter a routed block (MoD)");
    field("replay", self.replay, "decisions read from a trace");
  }
  void check(config::Checker& checker) const;
};

}  // namespace isobath
