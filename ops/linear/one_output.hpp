#pragma once
// linear with a single output column (a router's score, a halting logit): dot products and outer products, for which a
// blocked matrix product has no use. Same contracts as kernel::linear and kernel::linear_backward with O = 1; a row's
// result does not depend on the other rows.

#include "ops/linear/linear.hpp"

namespace isobath::kernel {

template <class T, class Out>
void linear_one_output(View<const T> x, View<const T> weight, View<const float> bias, Activation activation,
                       View<Out> out, View<T> slope);

template <class T, class Out>
void linear_one_output_backward(View<const Out> grad_out, LinearOperand<T> operand, View<const T> x,
                                View<const T> weight, LinearGrads<T> grads);

}  // namespace isobath::kernel
