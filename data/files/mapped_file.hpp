#pragma once
// A file as memory, read-only. Pages come from disk when touched and are shared by all processes of a host.

#include <cstddef>
#include <filesystem>
#include <span>

namespace isobath {

/// Owns one mapping of a whole regular file. The file must not shrink while it is mapped: touching a page that is gone
/// ends the process (SIGBUS).
class MappedFile {
 public:
  MappedFile() = default;
  /// Throws DataError (missing, unreadable, not a regular file) naming the path and the remedy.
  explicit MappedFile(std::filesystem::path path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// Empty for an empty file.
  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  void release() noexcept;

  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace isobath
