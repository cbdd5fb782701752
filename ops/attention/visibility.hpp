#pragma once
// Row sets as kernels walk them, and what the causal mask leaves visible between two of them.

#include <algorithm>
#include <cstdint>

#include "ops/tensor/row_set.hpp"

namespace isobath {
namespace kernel {

/// The members of a row set by sequence. A plain value for any device; null arrays mean every row of batch x length.
struct SequenceRows {
  const std::int32_t* offsets = nullptr;    ///< [batch + 1]
  const std::int32_t* positions = nullptr;  ///< [members], ascending within a sequence
  std::int64_t batch = 0;
  std::int64_t length = 0;

  constexpr std::int64_t begin(std::int64_t sequence) const { return offsets ? offsets[sequence] : sequence * length; }
  std::int64_t count(std::int64_t sequence) const { return begin(sequence + 1) - begin(sequence); }
  std::int64_t longest() const {
    if (!offsets) return batch > 0 ? length : 0;
    std::int64_t most = 0;
    for (std::int64_t s = 0; s < batch; ++s) most = std::max(most, count(s));
    return most;
  }
};

/// Of a row set whose index tensors, if any, the kernel can read.
SequenceRows sequence_rows(const RowSet& rows);

/// seen[i - first] = number of keys of `sequence` that query i sees, for i in [first, last) counted within the
/// sequence. Positions ascend, so these are the first keys of the sequence, and the numbers ascend.
void visible_keys(const SequenceRows& queries, const SequenceRows& keys, std::int64_t sequence, std::int64_t first,
                  std::int64_t last, std::int32_t* seen);

/// Visible (query, key) pairs of one sequence.
std::int64_t visible_pairs(const SequenceRows& queries, const SequenceRows& keys, std::int64_t sequence);

}  // namespace kernel

/// Visible (query, key) pairs of the batch. On the meta device, where indices have no values, and on a GPU, into whose
/// memory the host does not look within a step, the members of a set are taken as equally many per sequence and evenly
/// spread (ExactPairs counts there): q queries and k keys make (q k + min(q, k)) / 2 pairs of a sequence. That is exact
/// for equal sets of equal counts, and for all rows on either side up to where the others lie.
std::int64_t visible_pairs(const RowSet& queries, const RowSet& keys);

}  // namespace isobath
