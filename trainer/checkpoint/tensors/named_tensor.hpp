#pragma once
// What a checkpoint is told of a tensor: whole on every rank, or in parts of which each rank holds some.
//
// A trainer whose optimizer state is sharded names a moment by its parameter, as the replicated trainer does, and lists
// who holds what; any layout on any number of ranks then reads any other's checkpoint:
//
//   Sharding sharding{DType::F32, parameter.shape};
//   for (each rank's slice of the parameter's bucket, ascending) {
//     sharding.parts.push_back({begin, end, rank});      // elements of the flattened parameter, by arithmetic
//     if (rank == ranks.rank()) sharding.mine.push_back(shard.slice(where_it_lies, {end - begin}));
//   }
//   tensors.push_back({"adamw.first/" + parameter.name, {}, sharding});

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ops/tensor/tensor.hpp"
#include "trainer/checkpoint/manifest/partition.hpp"

namespace isobath {

/// A tensor in parts.
struct Sharding {
  DType dtype = DType::F32;
  Shape shape;                    ///< of the whole
  std::vector<TensorPart> parts;  ///< of all ranks and equal on them: ascending, not empty, from 0 to shape.count()
  std::vector<Tensor> mine = {};  ///< this rank's parts in the order of `parts`, each on the CPU and in one piece
};

/// A tensor under a name that is unique in its checkpoint, e.g. "adamw.first/blocks.3.ffn.weight".
struct NamedTensor {
  std::string name;
  Tensor tensor;  ///< on the CPU, the same on every rank; undefined when in parts
  std::optional<Sharding> sharding = std::nullopt;

  DType dtype() const { return sharding ? sharding->dtype : tensor.dtype(); }
  const Shape& shape() const { return sharding ? sharding->shape : tensor.shape(); }
};

/// Elements [begin, end) of the flattened tensor, and where they lie in this rank's memory.
struct HeldRange {
  std::int64_t begin = 0, end = 0;
  std::byte* bytes = nullptr;
};

/// What `rank` of `world_size` holds of the tensor, ascending. Throws InternalError when the tensor is not on the CPU,
/// or its parts leave a hole, overlap, name a rank that is not there, or do not fit what lies in memory.
std::vector<HeldRange> held_ranges(const NamedTensor& tensor, int rank, int world_size);

/// Pieces that `rank` writes, where they lie, in the order of the manifest. `records[i]` describes `tensors[i]`.
std::vector<std::span<const std::byte>> bytes_to_write(std::span<const TensorRecord> records,
                                                       std::span<const NamedTensor> tensors, int rank, int world_size);

}  // namespace isobath
