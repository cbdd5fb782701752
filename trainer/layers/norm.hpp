#pragma once
#include "trainer/layers/layers.hpp"

namespace isobath {

enum class NormKind { LayerNorm, RmsNorm };

/// A norm over C channels with a gain and, for LayerNorm, a shift. RmsNorm also takes rows of several groups of C
/// channels, which share the gain.
class ChannelNorm {
 public:
  ChannelNorm(const std::string& name, std::int64_t channels, NormKind kind);
  void collect(ParameterList& list);
  Tensor forward(const Tensor& x) const { return forward(x, x.dtype()); }
  /// The same in `out_type`: an f32 stream normalised for products in bf16.
  Tensor forward(const Tensor& x, DType out_type) const;

 private:
  LayerNorm parameters_;  // of which RmsNorm uses the gain
  NormKind kind_;
};

}  // namespace isobath
