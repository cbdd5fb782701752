#include "trainer/layers/width_scale.hpp"

#include <cmath>

namespace isobath {

HiddenScale hidden_scale(const ModelConfig& model) {
  const double m = model.mup_ratio();
  return {static_cast<float>(1.0 / std::sqrt(m)), static_cast<float>(1.0 / m)};
}

HiddenScale output_scale(const ModelConfig& model) {
  const float inverse = logit_scale(model);
  return {inverse, inverse};
}

float logit_scale(const ModelConfig& model) { return static_cast<float>(1.0 / model.mup_ratio()); }

Init scaled(Init init, const HiddenScale& scale) {
  return {init.constant, init.deviation * scale.deviation, init.bound * scale.deviation};
}

}  // namespace isobath
