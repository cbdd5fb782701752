#pragma once
#include "ops/core/queue.hpp"
#include "ops/core/random.hpp"
#include "ops/tensor/row_set.hpp"

namespace isobath {

/// Where the draws of a batch come from: global sample of every sequence and the step, never the rank or the packing.
struct DropoutKey {
  RandomKey key;               ///< purpose Dropout, step, layer
  std::uint64_t channel0 = 0;  ///< first channel: two dropouts of one layer draw from different channels
  Tensor samples;              ///< i64 [B]: global sample index of each sequence
};

/// x / (1 - p) where the draw keeps it, else 0. x: [K, C] holds the rows of `rows`; element (i, c) draws from (sample,
/// original position, channel0 + c), so a packed row and a dense one make the same decision. The mask is redrawn
/// backward, not stored. p in [0, 1); p = 0 returns x.
Tensor dropout(const Tensor& x, const RowSet& rows, float p, const DropoutKey& key);

}  // namespace isobath
