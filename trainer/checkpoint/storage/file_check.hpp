#pragma once
// Checks a shard file without HDF5, before the library is asked to parse a byte of it.

#include <filesystem>

#include "trainer/checkpoint/manifest/manifest.hpp"

namespace isobath {

/// Digest of all bytes of `path` outside the datasets of `file`: they are few, and a changed one makes HDF5 refuse the
/// file, miss a dataset or read from elsewhere. Throws StorageError.
Digest metadata_digest(const std::filesystem::path& path, const FileRecord& file);

/// Throws StorageError unless the file is there with the recorded length.
void check_size(const std::filesystem::path& path, const FileRecord& file);
/// Throws StorageError unless the bytes outside the datasets are those that were written.
void check_metadata(const std::filesystem::path& path, const FileRecord& file);

}  // namespace isobath
