#pragma once
// A folder that a benchmark of all ranks writes into and nobody finds afterwards.

#include <filesystem>

#include "ops/core/files/descriptor.hpp"
#include "parallel/communicator.hpp"

namespace isobath {

/// Made by rank 0 under `parent` and removed in the end, whatever became of the benchmark. One whose process was killed
/// is removed when the next is made in the same place: it holds a file that nobody has locked any more.
class SharedFolder {
 public:
  /// Collective. Throws StorageError, agreed, when the folder cannot be made.
  SharedFolder(const std::filesystem::path& parent, Communicator& ranks);
  ~SharedFolder();
  SharedFolder(const SharedFolder&) = delete;
  SharedFolder& operator=(const SharedFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  void make(const std::filesystem::path& parent);

  std::filesystem::path path_, mine_;  // mine_ is rank 0's
  Descriptor lock_;                    // while it lives
};

}  // namespace isobath
