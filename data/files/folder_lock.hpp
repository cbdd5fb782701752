#pragma once
#include <filesystem>

#include "ops/core/files/descriptor.hpp"

namespace isobath {

/// Keeps a second writer out of a folder for as long as it lives; released by the system if the process dies. Where the
/// file system knows no locks, it keeps nobody out.
class FolderLock {
 public:
  /// Creates the folder if need be. Throws StorageError when it cannot be created or another process holds the lock.
  explicit FolderLock(const std::filesystem::path& folder);

 private:
  Descriptor handle_;
};

}  // namespace isobath
