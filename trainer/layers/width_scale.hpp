#pragma once
// muP for Adam (Yang et al. 2022, arXiv 2203.03466, table 8), for models that grow by heads of one width: what was
// tuned at model.mup_base_width holds at m times that width. Embeddings, positions, norms, biases and the head keep
// their start and rate; the logits are divided by m. As heads keep their width, scores keep their 1 / sqrt(D). Weight
// decay keeps optim.learning_rate x weight_decay. At the base width, and without muP, every factor is exactly 1.

#include "configs/schema/model_config.hpp"
#include "trainer/layers/layers.hpp"

namespace isobath {

/// Factors on the initial deviation and on the learning rate of a matrix.
struct HiddenScale {
  float deviation = 1.0F;
  float rate = 1.0F;
};

/// Of a matrix whose inputs and outputs grow with the width: 1 / sqrt(m) and 1 / m.
HiddenScale hidden_scale(const ModelConfig& model);
/// Of a matrix whose inputs grow and whose outputs do not, as a router's score: both 1 / m.
HiddenScale output_scale(const ModelConfig& model);
/// On the logits: 1 / m.
float logit_scale(const ModelConfig& model);

/// `init` times the factor.
Init scaled(Init init, const HiddenScale& scale);

}  // namespace isobath
