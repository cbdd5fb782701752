#include "trainer/metrics/flops.hpp"

#include <numeric>

namespace isobath {

double block_forward_flops(const ModelConfig& model, std::int64_t length) {
  const auto t = static_cast<double>(length), c = static_cast<double>(model.width);
  const auto k = static_cast<double>(model.key_channels()), f = static_cast<double>(model.ffn_channels());
  const double matrices = model.ffn_kind() == FeedForward::Swiglu ? 3.0 : 2.0;
  return 4.0 * t * c * (c + k) + 2.0 * matrices * t * c * f + 4.0 * c * (t * (t + 1.0) / 2.0);
}

double head_forward_flops(const ModelConfig& model, std::int64_t length) {
  return 2.0 * static_cast<double>(length) * static_cast<double>(model.width) * static_cast<double>(model.vocabulary);
}

double dense_forward_flops(const ModelConfig& model, std::int64_t length) {
  return static_cast<double>(model.layers) * block_forward_flops(model, length) + head_forward_flops(model, length);
}

double soft_forward_flops(const ModelConfig& model, std::int64_t length, std::span<const double> shares) {
  const double blocks = std::accumulate(shares.begin(), shares.end(), 0.0);
  return blocks * block_forward_flops(model, length) + head_forward_flops(model, length);
}

double token_layer_operations_saved(std::span<const double> shares) {
  return 1.0 - std::accumulate(shares.begin(), shares.end(), 0.0) / static_cast<double>(shares.size());
}

}  // namespace isobath
