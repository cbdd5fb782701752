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
  void collect(ParameterList& list);
  Tensor forward(const Tensor& x, Activation activation = Activation::None) const;

 private:
  Linear() = default;
};

/// gain and shift of a layer norm over C channels.
struct LayerNorm {
  Parameter gain, shift;

  LayerNorm(const std::string& name, std::int64_t channels);
  void collect(ParameterList& list);
  Tensor forward(const Tensor& x) const;
};

}  // namespace isobath
