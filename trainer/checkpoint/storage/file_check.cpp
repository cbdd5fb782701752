#include "trainer/checkpoint/storage/file_check.hpp"

#include <algorithm>
#include <fstream>

#include "ops/core/files/durable.hpp"

namespace isobath {
namespace {

namespace fs = std::filesystem;

// HDF5 writes a few KiB for a handful of flat datasets.
constexpr std::int64_t kMostMetadata = std::int64_t{1} << 20;

void append(std::ifstream& stream, std::int64_t begin, std::int64_t end, const fs::path& path, std::string& bytes) {
  if (end - begin > kMostMetadata - static_cast<std::int64_t>(bytes.size()))
    throw StorageError(path.string() + ": more bytes outside the datasets than a shard has");
  const auto have = bytes.size();
  bytes.resize(have + static_cast<std::size_t>(end - begin));
  stream.seekg(begin);
  stream.read(bytes.data() + have, end - begin);
  if (!stream) throw StorageError(path.string() + ": cannot be read to its end");
}

}  // namespace

Digest metadata_digest(const fs::path& path, const FileRecord& file) {
  std::vector<DatasetRecord> datasets = file.datasets;
  std::ranges::sort(datasets, {}, &DatasetRecord::address);
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw StorageError(system_failure(path, "open it", errno));
  std::string bytes;
  std::int64_t at = 0;
  for (const DatasetRecord& dataset : datasets) {
    append(stream, at, dataset.address, path, bytes);
    at = dataset.address + dataset.bytes();
  }
  append(stream, at, file.bytes, path, bytes);
  return digest_of(bytes);
}

void check_size(const fs::path& path, const FileRecord& file) {
  std::error_code failure;
  const auto bytes = fs::file_size(path, failure);
  if (failure) throw StorageError(system_failure(path, "look at it", failure.value()));
  if (static_cast<std::int64_t>(bytes) != file.bytes)
    throw StorageError(text(path.string(), ": ", bytes, " bytes, the manifest says ", file.bytes,
                            "; the file is truncated or not of this checkpoint"));
}

void check_metadata(const fs::path& path, const FileRecord& file) {
  if (metadata_digest(path, file) != file.metadata)
    throw StorageError(path.string() + ": the HDF5 structures do not match their digest; the file is damaged");
}

}  // namespace isobath
