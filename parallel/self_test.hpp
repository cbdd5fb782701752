#pragma once
#include <string>

#include "parallel/communicator.hpp"

namespace isobath {

/// Empty, or why `sum` cannot be the sum of rank + 1 over `ranks` ranks.
std::string wrong_sum(double sum, int ranks);

/// Sums rank + 1 over all ranks, in a small and in a large message, and throws PeerError on a rank that got another
/// answer than ranks (ranks + 1) / 2: ranks that are not connected would train on sums that are none. Collective.
void test_sums(Communicator& ranks);

}  // namespace isobath
