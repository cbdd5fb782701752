#pragma once
// A trainable tensor: a name, a shape, how it starts, and two views of flat buffers once the model is complete.

#include <cstdint>
#include <functional>
#include <string>

#include "ops/tensor/tensor.hpp"

namespace isobath {

/// Matrices decay, norms and biases do not, embeddings by configuration.
enum class WeightDecay { Yes, No, Embedding };

/// Groups have moments, norm and clipping of their own, so that none influences another's updates.
enum class ParameterGroup : std::uint8_t { Main, Predictor };
inline constexpr std::size_t kParameterGroups = 2;

/// How a parameter starts: constant + deviation * N(0, 1), or uniform in [-bound, bound]; drawn by name, so the layout
/// is irrelevant.
struct Init {
  float constant = 0.0F;
  float deviation = 0.0F;
  float bound = 0.0F;
};

struct Parameter {
  std::string name;  ///< unique in the model, e.g. "blocks.3.attention.query.weight"
  Shape shape;
  Init init;
  WeightDecay decay = WeightDecay::Yes;
  ParameterGroup group = ParameterGroup::Main;

  Tensor value;     ///< f32; its slot leads to `gradient`
  Tensor gradient;  ///< f32, same shape; undefined where gradients have no lasting place
  /// What matrix products read: `value`, or a copy of it in bf16 whose slot is the same, so that gradients stay f32.
  Tensor operand = {};
  float rate = 1.0F;  ///< learning rate over the group's

  /// Attaches storage (two views of flat buffers) and makes `value` a leaf.
  void bind(Tensor value_view, Tensor gradient_view);
  /// The same with a gradient whose buffer is asked for when it is needed (GradSlot).
  void bind(Tensor value_view, std::function<Tensor()> gradient_storage);
  /// After bind(): products read this copy of `value`, which its owner keeps up to date.
  void bind_operand(Tensor copy_view);
};

/// Fills value with its initial distribution from (seed, name): equal bits under any layout, rank or world size.
void initialise(const Parameter& parameter, std::uint64_t seed);

}  // namespace isobath
