#pragma once
// The memory of a model: all values in one f32 buffer, all gradients in another, parameters as views of both.

#include <vector>

#include "ops/autograd/parameter.hpp"
#include "parallel/flat_layout.hpp"

namespace isobath {

/// Binds the parameters, which outlive it. Both buffers start as zeros, and the padding stays so.
class FlatParameters {
 public:
  /// `parameters` in order of use (the order in which the model registered them), with unique names.
  FlatParameters(std::vector<Parameter*> parameters, FlatSettings settings, Device device = Device::cpu());

  const FlatLayout& layout() const { return layout_; }
  /// In order of use: piece.item is an index into it.
  const std::vector<Parameter*>& parameters() const { return parameters_; }
  /// f32 [layout().total()].
  const Tensor& values() const { return values_; }
  const Tensor& gradients() const { return gradients_; }
  /// The part of a buffer of total() elements that belongs to a group; decay_ranges() count from its begin.
  Tensor part(const Tensor& buffer, FlatRange range) const;
  Tensor values(ParameterGroup group) const { return part(values_, layout_.group(group)); }
  Tensor gradients(ParameterGroup group) const { return part(gradients_, layout_.group(group)); }

 private:
  std::vector<Parameter*> parameters_;
  FlatLayout layout_;
  Tensor values_;
  Tensor gradients_;
};

}  // namespace isobath
