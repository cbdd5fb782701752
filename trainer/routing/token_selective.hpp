#pragma once
// Token-Selective Attention (Mohammed 2026, arXiv 2605.05222). A router between two blocks reads the residual stream
// and gates both residual branches of the next block with one scalar per token:
//   p = sigmoid(W2 relu(W1 h + b1) + b2),   h <- h + (1 - p) Attention(LN h),   h <- h + (1 - p) FFN(LN h)
// The loss gains lambda * mean over routers and tokens of (1 - p). Training is soft: nothing is skipped.

#include <memory>

#include "configs/schema/depth_config.hpp"
#include "configs/schema/model_config.hpp"
#include "trainer/layers/layers.hpp"
#include "trainer/routing/router.hpp"

namespace isobath {

class TokenSelective final : public TrainableRouter {
 public:
  TokenSelective(const TokenSelectiveConfig& config, const ModelConfig& model);

  std::string rule() const override { return "soft"; }
  bool is_causal() const override { return true; }
  bool routes(int layer) const override { return layer >= config_.stem; }
  /// Every row, gates 1 - p, and the depth penalty as a loss.
  Route route(int layer, const Streams& streams, const RoutingContext& context) const override;
  void collect(int layer, ParameterList& list) override;

  /// 1 - p of every row, f32 [N, 1].
  Tensor open_gates(int layer, const Streams& streams) const;
  GateOn gate_on() const;
  int routers() const { return static_cast<int>(gates_.size()); }

 private:
  struct Gate {
    LayerNorm norm;  // used for RouterInput::Normalised only
    Linear up, down;
  };
  const Gate& gate(int layer) const { return *gates_[static_cast<std::size_t>(layer - config_.stem)]; }

  TokenSelectiveConfig config_;
  std::vector<std::unique_ptr<Gate>> gates_;
};

}  // namespace isobath
