#pragma once
// The manifest of a checkpoint, format v1: the one file that says what the shards hold. It is written last, so a
// directory without it is an unfinished save. It names no file outside its directory: a copied directory stays valid.
//
//   {"digest": XXH3-128 of every byte after this member's comma, "format", "version", "isobath", "world_size",
//    "state": {...},
//    "files":   [{"name", "bytes", "metadata_digest", "datasets": [{"name": dtype, "count", "address"}]}],
//    "tensors": [{"name", "dtype", "shape", "pieces": [{"begin", "end", "file", "offset", "digest"}]}]}

#include <cstdint>
#include <string>
#include <vector>

#include "ops/core/dtype.hpp"
#include "ops/core/shape.hpp"
#include "trainer/checkpoint/manifest/digest.hpp"
#include "trainer/checkpoint/manifest/training_state.hpp"

namespace isobath {

inline constexpr std::int64_t kManifestVersion = 1;
/// No piece is longer; a damaged piece is named to within this many bytes.
inline constexpr std::int64_t kRangeBytes = std::int64_t{16} << 20;

/// Elements [begin, end) of the flattened tensor: `offset` elements into the dataset of the tensor's dtype in shard
/// `file`.
struct Piece {
  std::int64_t begin = 0, end = 0;
  int file = 0;
  std::int64_t offset = 0;
  Digest digest;
  std::int64_t count() const { return end - begin; }
};

struct TensorRecord {
  std::string name;
  DType dtype = DType::F32;
  Shape shape;
  std::vector<Piece> pieces;  ///< ascending, without holes or overlap
};

/// A flat contiguous dataset, one per dtype and shard, named after its dtype; `address` is its first byte in the file.
struct DatasetRecord {
  DType dtype = DType::F32;
  std::int64_t count = 0;
  std::int64_t address = 0;
  std::int64_t bytes() const { return count * static_cast<std::int64_t>(size_of(dtype)); }
};

struct FileRecord {
  std::string name;
  std::int64_t bytes = 0;
  Digest metadata;  ///< of all bytes outside the datasets: HDF5's own structures
  std::vector<DatasetRecord> datasets;
};

struct Manifest {
  std::string isobath_version;
  int world_size = 1;  ///< ranks that wrote, one shard each
  TrainingState state;
  std::vector<FileRecord> files;      ///< by rank
  std::vector<TensorRecord> tensors;  ///< in the order of saving
};

/// shard-00003-of-00008.h5
std::string shard_name(int rank, int world_size);
/// Bytes of all tensors.
std::int64_t payload_bytes(const Manifest& manifest);
/// A shape of up to Shape::kMaxRank extents.
Shape shape_of(const std::vector<std::int64_t>& extents);

}  // namespace isobath
