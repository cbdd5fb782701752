#pragma once
#include <string>
#include <vector>

#include "ops/autograd/parameter.hpp"
#include "ops/linear/linear.hpp"

namespace isobath {

/// The model's parameters in order of use; modules append themselves, and outlive the list.
using ParameterList = std::vector<Parameter*>;

/// x W^T + b with W: [O, I], b: [O] (absent if `bias` has no shape). The parameters live here; storage is bound later.
struct Linear {
  Parameter weight, bias;

  /// `init` is the weight's; biases start at `bias_constant` and are not decayed.
  Linear(const std::string& name, std::int64_t inputs, std::int64_t outputs, Init init);
  Linear(const std::string& name, std::int64_t inputs, std::int64_t outputs, Init init, Init bias_init);
  static Linear without_bias(const std::string& name, std::int64_t inputs, std::int64_t outputs, Init init);

  void set_group(ParameterGroup group);
  /// The learning rate of the weight over its group's.
  void set_rate(float rate) { weight.rate = rate; }
  void collect(ParameterList& list);
  /// Of the inputs that the products of this layer take in a trunk: f32, or bf16 by configuration.
  DType operand_type() const { return weight.operand.dtype(); }
  /// In the type of x: an f32 x, as routers read it, meets the f32 weight whatever the products of the trunk take.
  Tensor forward(const Tensor& x, Activation activation = Activation::None) const;
  /// The same in f32, for the residual stream.
  Tensor update(const Tensor& x) const;

 private:
  Linear() = default;
  const Tensor& weight_for(const Tensor& x) const;
};

/// gain and shift of a layer norm over C channels.
struct LayerNorm {
  Parameter gain, shift;

  LayerNorm(const std::string& name, std::int64_t channels);
  void collect(ParameterList& list);
  Tensor forward(const Tensor& x) const;
  /// The same in `out_type`: an f32 stream normalised for products in bf16.
  Tensor forward(const Tensor& x, DType out_type) const;
};

}  // namespace isobath
