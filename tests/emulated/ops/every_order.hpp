#pragma once
// Results of kernels under every order of threads and blocks.

#include <vector>

#include "gpu/devices.hpp"
#include "tests/emulated/checks/harness.hpp"

namespace isobath::emulated::test {

/// The result of `run`, with equal bits in every order; `run` gives vectors of numbers.
template <class Run>
auto same_in_every_order(Run&& run) {
  decltype(run()) first;
  for (const Order order : kOrders) {
    const OrderScope scope(order);
    const auto now = run();
    if (first.empty()) first = now;
    EXPECT_EQ(now.size(), first.size());
    for (std::size_t i = 0; i < std::min(now.size(), first.size()); ++i)
      EXPECT_TRUE(isobath::test::equal_bits(now[i], first[i])) << "result " << i << ", " << name_of(order);
  }
  return first;
}

}  // namespace isobath::emulated::test
