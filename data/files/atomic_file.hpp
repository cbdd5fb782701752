#pragma once
// A file that appears whole or not at all: written beside its place, made durable, then renamed.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "data/files/descriptor.hpp"

namespace isobath {

/// What unfinished files end with; a reader never opens them, the next writer of the same file replaces them.
inline constexpr std::string_view kPartialSuffix = ".partial";

/// Without commit() the destructor removes what was written. One writer per path at a time.
class AtomicFile {
 public:
  /// Throws StorageError when the partial file cannot be created.
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Appends. Throws StorageError, e.g. on a full disk.
  void write(std::span<const std::byte> bytes);
  /// Overwrites bytes already written.
  void write_at(std::int64_t offset, std::span<const std::byte> bytes);
  /// fsync, close, rename, fsync of the folder. Throws StorageError; the file of before is then still in place.
  void commit();

 private:
  [[noreturn]] void fail(std::string_view what) const;

  std::filesystem::path path_, partial_;
  Descriptor file_;
};

/// The whole of a small file at once, by an AtomicFile.
void write_atomically(const std::filesystem::path& path, std::string_view content);

/// Makes renames and removals in `folder` durable. Throws StorageError.
void sync_folder(const std::filesystem::path& folder);

}  // namespace isobath
