#pragma once
#include <span>
#include <string>
#include <vector>

#include "ops/tensor/tensor.hpp"
#include "parallel/communicator.hpp"

namespace isobath {

/// Something that every rank holds in full and alike.
struct Replicated {
  std::string name;  ///< in the plural: "weights"
  std::string hash;
};

/// XXH3-128 of the numbers of an f32 tensor, in hexadecimal digits. The host waits for a device.
std::string hash_of(const Tensor& tensor);
std::string hash_of(std::span<const double> values);

/// Compares the hashes of `parts`, whose names are equal on all ranks. Throws AgreedError (79) on every rank, naming
/// the ranks that differ from most in the first part in which any does, unless all are equal. Collective.
void compare_replicas(const std::vector<Replicated>& parts, std::int64_t step, Communicator& ranks);

}  // namespace isobath
