#pragma once
// One rank's shard file. Buffers go to HDF5 as they are and come back straight into their place: nothing is copied.

#include <filesystem>
#include <map>
#include <span>
#include <vector>

#include "trainer/checkpoint/hdf5_dataset.hpp"
#include "trainer/checkpoint/manifest/manifest.hpp"

namespace isobath {

/// A rank's contribution to the manifest.
struct ShardReport {
  FileRecord file;
  std::vector<Digest> digests;  ///< of the shard's pieces, in the order of the manifest
};

/// Writes shard `file` into `directory`, durably, under the shard's own name; by one thread. `pieces` are the bytes of
/// the shard's pieces in the order of `records`. Throws StorageError, and then its temporary file is gone.
ShardReport write_shard(const std::filesystem::path& directory, std::span<const TensorRecord> records,
                        std::span<const std::span<const std::byte>> pieces, int file, int world_size);

/// A shard of a checkpoint, open for reading. The constructor checks length and HDF5 structures; throws StorageError.
class ShardReader {
 public:
  ShardReader(const std::filesystem::path& directory, const FileRecord& file);
  /// Reads `piece` of `tensor` to `out`, piece.count() elements, and checks its digest in memory. Throws StorageError
  /// that names file, tensor and range.
  void read(const TensorRecord& tensor, const Piece& piece, std::span<std::byte> out) const;

 private:
  std::filesystem::path path_;
  Hdf5Handle file_;
  std::map<DType, Hdf5Dataset> datasets_;  // closed before the file
};

}  // namespace isobath
