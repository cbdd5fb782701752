#pragma once
// layer_norm in double precision, with a bound on the error of any f32 evaluation that follows the same formulas.
//
// u = 2^-24. A sum of n terms, in any order, is off by at most n u times the sum of their magnitudes (Higham, "Accuracy
// and stability of numerical algorithms", 2nd edition, 4.2), to first order; g = (C + 8) u covers a sum over a row and
// the few roundings of its terms and of the division. From there:
//   mean:  |x|_avg g
//   rstd:  relative (g + (mean's error * rstd)^2) / 2 + 4 u, since a mean that is off by e adds e^2 to the variance
//   n:     mean's error * rstd + |n| (rstd's relative error + 2 u)
// and the results by the same rules. Results in bf16 are rounded once more.

#include <vector>

#include "gpu/bounded.hpp"

namespace isobath::test {

struct LayerNormProblem {
  std::int64_t rows = 0, columns = 0;
  std::vector<double> x, gain, shift, grad_out;  // as the kernels get them, after rounding to their types
  double rounding_of_result = 0.0;               // relative; 2^-8 for bf16, nothing further for f32
};

struct LayerNormReference {
  Bounded out, mean, rstd, grad_x, grad_gain, grad_shift;
};

LayerNormReference reference_of(const LayerNormProblem& problem);

}  // namespace isobath::test
