#pragma once
#include <cstdint>
#include <vector>

#include "ops/tensor/row_set.hpp"

namespace isobath::test {

struct ReadTile {
  std::int32_t sequence, number;
};

/// How attention plans its tiles of 64 queries, or of 64 keys, on the device that holds the row sets: dearest first.
std::vector<ReadTile> query_tiles(const RowSet& queries, const RowSet& keys);
std::vector<ReadTile> key_tiles(const RowSet& queries, const RowSet& keys);
inline constexpr std::int64_t kPlannedRows = 64;

}  // namespace isobath::test
