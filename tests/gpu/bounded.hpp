#pragma once
// References in double precision that say for each value how far from it a result may be.

#include <vector>

#include "support/compare.hpp"

namespace isobath::test {

/// A value and how far from it a result may be.
struct Bounded {
  std::vector<double> value, error;

  void append(double v, double e) {
    value.push_back(v);
    error.push_back(e);
  }
};

/// The largest relative error of rounding once to `dtype`.
constexpr double rounding_to(DType dtype) { return dtype == DType::BF16 ? 0x1p-8 : kEpsilon; }

/// What becomes of `before` when the values are added to it: one more rounding, to the type of the result.
Bounded plus(Bounded want, double before, double rounding);

/// Every element within its own bound; the failure names the first that is not.
::testing::AssertionResult within(const std::vector<double>& got, const Bounded& want);

}  // namespace isobath::test
