#pragma once
// Reading and writing without anything around it: what checkpoints are measured against.

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

namespace isobath {

/// Creates `path` and writes `bytes` zeros, 16 MiB at a time, then fsync. Throws StorageError.
void write_zeros(const std::filesystem::path& path, std::size_t bytes);

/// Reads the files one after the other, 16 MiB at a time, until `out` is full. Throws StorageError, also when the files
/// are too short.
void read_plainly(const std::vector<std::filesystem::path>& files, std::span<std::byte> out);

}  // namespace isobath
