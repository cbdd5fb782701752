#pragma once
// Files that are there, whole, after a power cut: written under a temporary name, synced, renamed, and the directory
// synced. A rename is not durable before its directory is, and a file is not before it was synced itself.
// Every function throws StorageError with the path, the system's reason and what to do.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace isobath {

/// `path` with ".tmp" behind it.
std::filesystem::path temporary_name(const std::filesystem::path& path);

/// Writes `content` to temporary_name(path) and syncs it. `path` itself is untouched.
void write_temporary(const std::filesystem::path& path, std::string_view content);
/// Syncs temporary_name(path), which another writer has closed.
void sync_temporary(const std::filesystem::path& path);
/// Renames temporary_name(path), which has been synced, to `path`, and syncs the directory.
void publish(const std::filesystem::path& path);

/// Both at once: `path` holds `content`, or what it held before.
void write_durably(const std::filesystem::path& path, std::string_view content);

/// Makes created, renamed and removed entries of `directory` durable.
void sync_directory(const std::filesystem::path& directory);

/// The whole file. `most` bytes at most, so that a wrong file cannot exhaust memory.
std::string read_small_file(const std::filesystem::path& path, std::int64_t most);

/// "PATH: cannot WHAT: REASON; REMEDY" for an errno value.
std::string system_failure(const std::filesystem::path& path, std::string_view what, int error);

}  // namespace isobath
