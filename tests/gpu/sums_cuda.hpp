#pragma once
#include <vector>

namespace isobath::test {

/// What warp_sum and block_sum give every thread of one block of values.size() threads, whole warps.
struct ThreadSums {
  std::vector<float> of_warp;
  std::vector<float> of_block;         // of the values
  std::vector<float> of_block_twice;   // of twice the values, summed beside them
  std::vector<float> of_block_before;  // of the values, by the call before that one
};
ThreadSums sums_on_device(const std::vector<float>& values);

}  // namespace isobath::test
