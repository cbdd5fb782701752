#pragma once
// Which rank writes which range. Of replicated tensors 1/N of the elements each, so that saving takes the same time at
// any width; of sharded tensors what it holds. Any world size can read the result.

#include <span>
#include <vector>

#include "trainer/checkpoint/manifest/manifest.hpp"

namespace isobath {

/// Elements [begin, end) of a flattened tensor, which `rank` holds and writes.
struct TensorPart {
  std::int64_t begin = 0, end = 0;
  int rank = 0;
  std::int64_t count() const { return end - begin; }
  bool operator==(const TensorPart&) const = default;
};

/// Fills `pieces` of every tensor. `parts[i]` are those of tensor i, ascending and without holes, or null for a
/// replicated one. Let E be the elements of all replicated tensors, one after the other in the given order: rank r of N
/// writes [floor(r E / N), floor((r + 1) E / N)). Parts are cut at multiples of kRangeBytes within a tensor. Pieces of
/// equal dtype follow each other without gaps in the dataset of their shard.
void partition(std::span<TensorRecord> tensors, std::span<const std::vector<TensorPart>* const> parts, int world_size);
/// The same when every tensor is replicated.
void partition(std::span<TensorRecord> tensors, int world_size);

/// The datasets of shard `file`, in the order of DType, without addresses; dtypes without elements are absent.
std::vector<DatasetRecord> datasets_of(std::span<const TensorRecord> tensors, int file);

}  // namespace isobath
