#pragma once
#include <cstdint>
#include <vector>

namespace isobath {

/// A block of an array: `count` indices from `start` on in each dimension.
struct Box {
  std::vector<std::int64_t> start, count;
  std::int64_t elements() const {
    std::int64_t product = 1;
    for (const std::int64_t extent : count) product *= extent;
    return product;
  }
};

/// Elements [begin, end), not empty, of an array of that shape, flattened row by row, as boxes in the same order: at
/// most 2 x dimensions - 1. `shape` has at least one dimension.
std::vector<Box> boxes_of(const std::vector<std::int64_t>& shape, std::int64_t begin, std::int64_t end);

}  // namespace isobath
