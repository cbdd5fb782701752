#pragma once
// Mixture-of-Depths (Raposo et al. 2024, arXiv 2404.02258). Per sequence and routed block the k rows with the highest
// score r = w . x enter the block, attend among themselves at their original positions, and come back as x + r *
// (attention + FFN update); the others pass by. The score multiplies the update, so the language loss reaches the
// router. Top-k looks at later tokens; two causal stand-ins are trained: a BCE on the scores themselves (then r > 0
// decides) and a predictor on the stream without gradient (then its logit decides).

#include <memory>

#include "configs/schema/depth_config.hpp"
#include "configs/schema/model_config.hpp"
#include "trainer/layers/layers.hpp"
#include "trainer/routing/router.hpp"

namespace isobath {

/// Which rows a routed block takes, given its scores f32 [N, 1].
class RowChoice {
 public:
  virtual ~RowChoice() = default;
  virtual RowSet choose(int layer, const Tensor& scores, const RoutingContext& context) const = 0;
};

class MixtureOfDepths final : public TrainableRouter {
 public:
  /// `choice` replaces top-k in training (a replayed trace); null for the method itself.
  MixtureOfDepths(const MixtureOfDepthsConfig& config, const ModelConfig& model,
                  std::unique_ptr<RowChoice> choice = nullptr);

  std::string rule() const override { return "top-k"; }
  bool is_causal() const override { return false; }
  bool routes(int layer) const override {
    return layer >= config_.first && (layer - config_.first) % config_.every == 0;
  }
  Route route(int layer, const Streams& streams, const RoutingContext& context) const override;
  void collect(int layer, ParameterList& list) override;

  /// r of every row, f32 [N, 1].
  Tensor scores(int layer, const Tensor& h) const;
  /// The predictor's logit of every row, f32 [N, 1]; no gradient reaches h. Only if has_predictor().
  Tensor predicted(int layer, const Tensor& h) const;
  bool has_predictor() const { return config_.predictor; }
  bool has_auxiliary() const { return config_.auxiliary_weight > 0.0; }
  int routed_layers() const { return static_cast<int>(gates_.size()); }
  /// Rows of a sequence of `length` tokens that a routed block takes: floor(capacity * length), at least 1.
  std::int64_t chosen_of(std::int64_t length) const;
  /// The route that takes `rows` with their scores as gates.
  Route route_rows(const RowSet& rows, const Tensor& scores) const;

 private:
  struct Gate {
    Linear score;
    Linear predict_up, predict_down;
  };
  const Gate& gate(int layer) const {
    return *gates_[static_cast<std::size_t>((layer - config_.first) / config_.every)];
  }

  MixtureOfDepthsConfig config_;
  std::unique_ptr<RowChoice> choice_;
  std::vector<std::unique_ptr<Gate>> gates_;
};

}  // namespace isobath
