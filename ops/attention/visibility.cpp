#include "ops/attention/visibility.hpp"

namespace isobath {
namespace kernel {
namespace {

const std::int32_t* indices(const Tensor& tensor) {
  return tensor.defined() ? tensor.view<const std::int32_t>().data : nullptr;
}

// Query t of n sees min(t + 1, keys) keys when every row takes part.
std::int64_t staircase(std::int64_t queries, std::int64_t keys) {
  const std::int64_t rising = std::min(queries, keys);
  return rising * (rising + 1) / 2 + (queries - rising) * keys;
}

}  // namespace

SequenceRows sequence_rows(const RowSet& rows) {
  return {indices(rows.offsets()), indices(rows.positions()), rows.batch(), rows.length()};
}

void visible_keys(const SequenceRows& queries, const SequenceRows& keys, std::int64_t sequence, std::int64_t first,
                  std::int64_t last, std::int32_t* seen) {
  const std::int32_t* query_at = queries.positions ? queries.positions + queries.begin(sequence) : nullptr;
  const std::int32_t* key_at = keys.positions ? keys.positions + keys.begin(sequence) : nullptr;
  const std::int64_t count = keys.count(sequence);
  const auto position_of = [&](std::int64_t i) { return query_at ? std::int64_t{query_at[i]} : i; };
  std::int64_t known = 0;
  if (key_at && first < last) known = std::upper_bound(key_at, key_at + count, position_of(first)) - key_at;
  for (std::int64_t i = first; i < last; ++i) {
    const std::int64_t position = position_of(i);
    if (key_at)
      while (known < count && key_at[known] <= position) ++known;
    else
      known = std::min(position + 1, count);
    seen[i - first] = static_cast<std::int32_t>(known);
  }
}

std::int64_t visible_pairs(const SequenceRows& queries, const SequenceRows& keys, std::int64_t sequence) {
  const std::int64_t count = queries.count(sequence);
  if (!queries.positions && !keys.positions) return staircase(count, keys.count(sequence));
  constexpr std::int64_t kBlock = 256;
  std::int32_t seen[kBlock];
  std::int64_t pairs = 0;
  for (std::int64_t first = 0; first < count; first += kBlock) {
    const std::int64_t last = std::min(first + kBlock, count);
    visible_keys(queries, keys, sequence, first, last, seen);
    for (std::int64_t i = 0; i < last - first; ++i) pairs += seen[i];
  }
  return pairs;
}

}  // namespace kernel

std::int64_t visible_pairs(const RowSet& queries, const RowSet& keys) {
  const auto unreadable = [](const RowSet& set) { return !set.is_all() && !set.rows().device().is_cpu(); };
  if (unreadable(queries) || unreadable(keys)) {
    const std::int64_t sequences = std::max<std::int64_t>(queries.batch(), 1);
    return (queries.size() * keys.size() / sequences + std::min(queries.size(), keys.size())) / 2;
  }
  const kernel::SequenceRows query_rows = kernel::sequence_rows(queries), key_rows = kernel::sequence_rows(keys);
  std::int64_t pairs = 0;
  for (std::int64_t s = 0; s < queries.batch(); ++s) pairs += kernel::visible_pairs(query_rows, key_rows, s);
  return pairs;
}

}  // namespace isobath
