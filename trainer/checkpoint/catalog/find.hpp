#pragma once
// Which checkpoint to go on from.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "parallel/communicator.hpp"
#include "trainer/checkpoint/catalog/verify.hpp"

namespace isobath {

struct SkippedCheckpoint {
  std::filesystem::path directory;
  std::string reason;
};

struct LatestCheckpoint {
  std::optional<std::filesystem::path> directory;  ///< none: nothing usable, start from the beginning
  std::vector<SkippedCheckpoint> skipped;          ///< newer ones that cannot be used, newest first
};

/// The highest step under `root` that is whole at `level`. The hint file `latest` is not read. Nothing is removed.
/// Throws StorageError when `root` exists and cannot be read.
LatestCheckpoint find_latest(const std::filesystem::path& root, VerifyLevel level);
/// The same, looked up by rank 0 alone; every rank returns its answer, or throws its error.
LatestCheckpoint find_latest(const std::filesystem::path& root, VerifyLevel level, Communicator& ranks);

}  // namespace isobath
