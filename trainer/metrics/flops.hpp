#pragma once
// FLOPs by formula, beside those that the ledger counted. A multiply-add is two. T tokens, C channels, K channels of
// the keys (C unless key heads are shared), F hidden channels, V symbols; attention counts visible pairs only, T (T +
// 1) / 2 of a causal sequence. Embedding look-ups, norms and softmax are not counted.

#include <cstdint>
#include <span>

#include "configs/schema/model_config.hpp"

namespace isobath {

/// Forward FLOPs of one unrouted block on one sequence of `length` tokens: 4 T C (C + K) + 2 m T C F + 4 C pairs, where
/// the feed-forward branch has m = 2 matrices, with SwiGLU 3.
double block_forward_flops(const ModelConfig& model, std::int64_t length);
/// The output head on one sequence: 2 T C V.
double head_forward_flops(const ModelConfig& model, std::int64_t length);
/// A model of that shape without any routing, on one sequence.
double dense_forward_flops(const ModelConfig& model, std::int64_t length);
/// The same with block l weighted by shares[l]: what soft gates would cost if an update of weight g cost g. Routers are
/// not included.
double soft_forward_flops(const ModelConfig& model, std::int64_t length, std::span<const double> shares);
/// Forward and backward of a training step's useful work per sequence: three times the forward FLOPs.
inline double training_flops(double forward) { return 3.0 * forward; }

/// TSA's "token-layer operations saved": 1 - (stem + sum of shares of routed blocks) / L; with one stem block and mean
/// share a this is the paper's 1 - (1 + (L - 1) a) / L.
double token_layer_operations_saved(std::span<const double> shares);

}  // namespace isobath
