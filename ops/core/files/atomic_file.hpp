#pragma once
// A file that appears whole or not at all: written beside its place, made durable, then renamed.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "ops/core/files/descriptor.hpp"

namespace isobath {

/// Grows under temporary_name(path), which a reader never opens and the next writer of the same file replaces. Without
/// commit() the destructor removes what was written. One writer per path at a time.
class AtomicFile {
 public:
  /// Throws StorageError when the temporary file cannot be created.
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
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path path_, temporary_;
  Descriptor file_;
};

}  // namespace isobath
