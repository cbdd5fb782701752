#pragma once
// A decoder: embedding, blocks, norm, head. The family (configs/schema/model_config.hpp) says of which pieces.
// B sequences of T tokens, N = B * T rows, C channels, L blocks, V symbols.

#include <memory>
#include <optional>

#include "configs/schema/model_config.hpp"
#include "configs/schema/train_config.hpp"
#include "ops/core/random.hpp"
#include "trainer/model/block.hpp"
#include "trainer/routing/router.hpp"

namespace isobath {

/// One micro-batch on its device.
struct ModelInput {
  Tensor tokens;           ///< i32 [B * T]
  RoutingContext context;  ///< batch, length, step, samples, unit
  Tensor keys = {};        ///< dropout_keys() of this step and L + 1 layers, the last for the embedding; absent: made
                           ///< by forward(), if it drops anything
};

enum class Phase { Training, Evaluation };

/// What a layer did, for metrics and evaluation.
struct LayerRecord {
  int layer = 0;
  Route route;
};

struct ModelOutput {
  Tensor hidden;                    ///< [N, C], after the final norm, as the head's product takes it
  std::vector<Tensor> losses;       ///< auxiliary, f32 [1] each
  std::vector<LayerRecord> routed;  ///< routed layers only, losses moved out
};

class Transformer {
 public:
  /// `config.vocabulary` is resolved (not 0).
  explicit Transformer(const ModelConfig& config, Recompute recompute = Recompute::None,
                       AttentionBy attention = AttentionBy::Own);

  const ModelConfig& config() const { return config_; }
  /// The model's and the router's parameters, in order of use.
  void collect(ParameterList& list, TrainableRouter& router);
  /// Length at most the context, or InternalError.
  ModelOutput forward(const ModelInput& input, const Router& router, Phase phase, std::uint64_t seed) const;
  /// Rows of `hidden` times the head, which may be the embedding, divided by the ratio of muP: f32 [rows, V].
  Tensor logits(const Tensor& hidden) const;

 private:
  Tensor embed(const ModelInput& input) const;
  /// The angles of rope for `length` positions; undefined with learned positions.
  Tensor rotary(std::int64_t length) const;

  ModelConfig config_;
  Recompute recompute_;
  Parameter token_table_;
  std::optional<Parameter> position_table_;
  std::vector<std::unique_ptr<TransformerBlock>> blocks_;
  ChannelNorm norm_;
  std::optional<Linear> head_;  // where the embedding is not the head
};

}  // namespace isobath
