#include "trainer/layers/layers.hpp"

#include "ops/layer_norm/layer_norm.hpp"

namespace isobath {
namespace {

Parameter matrix(const std::string& name, std::int64_t inputs, std::int64_t outputs, Init init) {
  return {name + ".weight", Shape{outputs, inputs}, init, WeightDecay::Yes, ParameterGroup::Main, {}, {}};
}

Parameter vector(const std::string& name, std::int64_t size, Init init) {
  return {name, Shape{size}, init, WeightDecay::No, ParameterGroup::Main, {}, {}};
}

}  // namespace

Linear::Linear(const std::string& name, std::int64_t inputs, std::int64_t outputs, Init init)
    : Linear(name, inputs, outputs, init, Init{}) {}

Linear::Linear(const std::string& name, std::int64_t inputs, std::int64_t outputs, Init init, Init bias_init)
    : weight(matrix(name, inputs, outputs, init)), bias(vector(name + ".bias", outputs, bias_init)) {}

Linear Linear::without_bias(const std::string& name, std::int64_t inputs, std::int64_t outputs, Init init) {
  Linear layer;
  layer.weight = matrix(name, inputs, outputs, init);
  return layer;
}

void Linear::set_group(ParameterGroup group) {
  weight.group = group;
  bias.group = group;
}

void Linear::collect(ParameterList& list) {
  list.push_back(&weight);
  if (bias.shape.rank() > 0) list.push_back(&bias);
}

Tensor Linear::forward(const Tensor& x, Activation activation) const {
  return linear(x, weight_for(x), bias.value, activation);
}

Tensor Linear::update(const Tensor& x) const {
  return linear(x, weight_for(x), bias.value, Activation::None, DType::F32);
}

const Tensor& Linear::weight_for(const Tensor& x) const {
  return x.dtype() == weight.value.dtype() ? weight.value : weight.operand;
}

LayerNorm::LayerNorm(const std::string& name, std::int64_t channels)
    : gain(vector(name + ".gain", channels, Init{.constant = 1.0F})),
      shift(vector(name + ".shift", channels, Init{})) {}

void LayerNorm::collect(ParameterList& list) {
  list.push_back(&gain);
  list.push_back(&shift);
}

Tensor LayerNorm::forward(const Tensor& x) const { return forward(x, x.dtype()); }
Tensor LayerNorm::forward(const Tensor& x, DType out_type) const {
  return layer_norm(x, gain.value, shift.value, out_type);
}

}  // namespace isobath
