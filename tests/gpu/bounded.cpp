#include "gpu/bounded.hpp"

namespace isobath::test {

Bounded plus(Bounded want, double before, double rounding) {
  for (std::size_t i = 0; i < want.value.size(); ++i) {
    want.value[i] += before;
    want.error[i] += rounding * std::abs(want.value[i]);
  }
  return want;
}

::testing::AssertionResult within(const std::vector<double>& got, const Bounded& want) {
  if (got.size() != want.value.size())
    return ::testing::AssertionFailure() << got.size() << " elements, not " << want.value.size();
  for (std::size_t i = 0; i < got.size(); ++i)
    if (const double ratio = error_ratio(got[i], want.value[i], {want.error[i], 0.0}); !(ratio <= 1.0))
      return ::testing::AssertionFailure()
             << "element " << i << " is " << got[i] << ", not " << want.value[i] << ": " << ratio << " times its bound";
  return ::testing::AssertionSuccess();
}

}  // namespace isobath::test
