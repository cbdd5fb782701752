#include "trainer/layers/norm.hpp"

#include "ops/rms_norm/rms_norm.hpp"

namespace isobath {

ChannelNorm::ChannelNorm(const std::string& name, std::int64_t channels, NormKind kind)
    : parameters_(name, channels), kind_(kind) {}

void ChannelNorm::collect(ParameterList& list) {
  if (kind_ == NormKind::LayerNorm) return parameters_.collect(list);
  list.push_back(&parameters_.gain);
}

Tensor ChannelNorm::forward(const Tensor& x, DType out_type) const {
  if (kind_ == NormKind::LayerNorm) return parameters_.forward(x, out_type);
  return rms_norm(x, parameters_.gain.value, out_type);
}

}  // namespace isobath
