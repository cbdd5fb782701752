#pragma once
#include <cstdint>

#include "ops/core/error.hpp"

namespace isobath {

/// Which of `count` readers this is; the trainer fills it from rank and world size.
struct ShardSpec {
  std::int64_t index = 0, count = 1;
};

/// Elements [begin, end).
struct IndexRange {
  std::int64_t begin = 0, end = 0;

  std::int64_t size() const { return end - begin; }
  bool operator==(const IndexRange&) const = default;
};

/// The part of `total` elements that falls to `shard`: [floor(r total / N), floor((r + 1) total / N)). Parts are
/// contiguous, in order, cover everything once and differ by one at most.
inline IndexRange share_of(std::int64_t total, ShardSpec shard) {
  require(total >= 0 && shard.count >= 1 && shard.index >= 0 && shard.index < shard.count, "share ", shard.index,
          " of ", shard.count, " of ", total, " elements");
  // By quotient and remainder, because index * total may not fit.
  const std::int64_t whole = total / shard.count, rest = total % shard.count;
  const auto begin = [&](std::int64_t index) { return index * whole + index * rest / shard.count; };
  return {begin(shard.index), begin(shard.index + 1)};
}

}  // namespace isobath
