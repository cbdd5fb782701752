#include "ops/core/files/durable.hpp"
#include "trainer/checkpoint/manifest/partition.hpp"
#include "trainer/checkpoint/storage/file_check.hpp"
#include "trainer/checkpoint/storage/observer.hpp"
#include "trainer/checkpoint/storage/shard.hpp"

namespace isobath {
namespace {

namespace fs = std::filesystem;

using PieceBytes = std::span<const std::span<const std::byte>>;

/// Removes a shard's temporary file unless it became the shard: a full disk should not stay full because of it.
class TemporaryGuard {
 public:
  explicit TemporaryGuard(fs::path path) : path_(std::move(path)) {}
  ~TemporaryGuard() {
    std::error_code ignored;  // an error is under way; the next save of this step removes the file too
    fs::remove(path_, ignored);
  }
  TemporaryGuard(const TemporaryGuard&) = delete;
  TemporaryGuard& operator=(const TemporaryGuard&) = delete;

 private:
  fs::path path_;
};

std::int64_t total_bytes(std::span<const DatasetRecord> datasets) {
  std::int64_t bytes = 0;
  for (const DatasetRecord& dataset : datasets) bytes += dataset.bytes();
  return bytes;
}

/// Hashes and writes every piece; fires InShard once, when half of the bytes are out.
std::vector<Digest> write_pieces(std::span<const TensorRecord> records, PieceBytes bytes_of_pieces, int file,
                                 const std::map<DType, Hdf5Dataset>& datasets, std::int64_t total) {
  std::vector<Digest> digests;
  auto next = bytes_of_pieces.begin();
  std::int64_t written = 0;
  for (const TensorRecord& record : records) {
    for (const Piece& piece : record.pieces) {
      if (piece.file != file) continue;
      const std::span<const std::byte> bytes = *next++;
      digests.push_back(digest_of(bytes));
      datasets.at(record.dtype).write({piece.offset, piece.count()}, bytes.data());
      const std::int64_t before = written;
      written += static_cast<std::int64_t>(bytes.size());
      if (2 * before < total && 2 * written >= total) reached(CheckpointPoint::InShard);
    }
  }
  return digests;
}

/// The HDF5 file, closed; fills in the datasets' addresses.
std::vector<Digest> write_file(const fs::path& path, std::span<const TensorRecord> records, PieceBytes pieces, int file,
                               std::vector<DatasetRecord>& sizes) {
  Hdf5Handle handle = hdf5_create_file(path);
  std::map<DType, Hdf5Dataset> datasets;
  for (const DatasetRecord& size : sizes)
    datasets.emplace(size.dtype, Hdf5Dataset::create(handle, name_of(size.dtype), size.dtype, size.count, path));
  if (sizes.empty()) reached(CheckpointPoint::InShard);
  std::vector<Digest> digests = write_pieces(records, pieces, file, datasets, total_bytes(sizes));
  for (DatasetRecord& size : sizes) {
    size.address = datasets.at(size.dtype).address();
    datasets.at(size.dtype).close();
  }
  handle.close(path);
  return digests;
}

}  // namespace

ShardReport write_shard(const fs::path& directory, std::span<const TensorRecord> records, PieceBytes pieces, int file,
                        int world_size) {
  reached(CheckpointPoint::BeforeShard);
  ShardReport report;
  report.file.name = shard_name(file, world_size);
  report.file.datasets = datasets_of(records, file);
  const fs::path path = directory / report.file.name, temporary = temporary_name(path);
  const TemporaryGuard guard(temporary);
  report.digests = write_file(temporary, records, pieces, file, report.file.datasets);
  report.file.bytes = static_cast<std::int64_t>(fs::file_size(temporary));
  report.file.metadata = metadata_digest(temporary, report.file);
  reached(CheckpointPoint::BeforeFsync);
  sync_temporary(path);
  publish(path);
  reached(CheckpointPoint::ShardDone);
  return report;
}

}  // namespace isobath
