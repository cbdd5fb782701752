#pragma once
#include "ops/tensor/tensor.hpp"
#include "parallel/communicator.hpp"

namespace isobath {

/// Compares XXH3-128 hashes of `weights`, which every rank holds in full. Throws AgreedError (79) on every rank, naming
/// those that differ from most, unless all are equal. Collective.
void compare_replicas(const Tensor& weights, std::int64_t step, Communicator& ranks);

}  // namespace isobath
