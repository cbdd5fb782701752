#pragma once
// Which rank writes which range of replicated tensors: 1/N of the elements each, so that saving takes the same time at
// any width and any world size can read the result.

#include <span>
#include <vector>

#include "trainer/checkpoint/manifest/manifest.hpp"

namespace isobath {

/// Fills `pieces` of every tensor. Let E be the elements of all tensors, one after the other in the given order: rank r
/// of N writes [floor(r E / N), floor((r + 1) E / N)), cut at tensor borders and at multiples of kRangeBytes within a
/// tensor. Pieces of equal dtype follow each other without gaps in the dataset of their shard.
void partition(std::span<TensorRecord> tensors, int world_size);

/// The datasets of shard `file`, in the order of DType, without addresses; dtypes without elements are absent.
std::vector<DatasetRecord> datasets_of(std::span<const TensorRecord> tensors, int file);

}  // namespace isobath
