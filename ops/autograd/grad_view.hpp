#pragma once
// One gradient as a backward kernel sees it: where to write, how, and whether anybody wants it at all.

#include "ops/autograd/tape.hpp"
#include "ops/tensor/view.hpp"

namespace isobath {

/// Null data when nobody wants this gradient.
template <class T>
struct GradView {
  View<T> to;
  Accumulate mode = Accumulate::Overwrite;

  constexpr bool wanted() const { return to.data != nullptr; }
};

/// The target of input `index`; an undefined tensor when nobody wants it.
inline GradTarget wanted_target(const InputGrads& inputs, std::size_t index) {
  return inputs.wants(index) ? inputs.target(index) : GradTarget{Tensor(), Accumulate::Overwrite};
}

template <class T>
GradView<T> grad_view(const GradTarget& target) {
  if (!target.tensor.defined()) return {};
  return {target.tensor.view<T>(), target.mode};
}

}  // namespace isobath
