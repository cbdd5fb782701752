#pragma once
// Removing old checkpoints, after a newer one is durable.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace isobath {

struct PruneReport {
  std::vector<std::filesystem::path> removed;
  std::vector<std::string> problems;  ///< what could not be removed and why; no reason to stop training
};

/// Keeps the newest `keep_last` >= 1 whole checkpoints under `root`, and those whose step is a multiple of `keep_every`
/// if that is not 0; removes older whole ones, what interrupted saves left at older steps, and replaced ones. Damaged
/// checkpoints and unknown files are never touched. One rank calls it. Throws InternalError for keep_last < 1,
/// StorageError when `root` cannot be read.
PruneReport prune_checkpoints(const std::filesystem::path& root, int keep_last, std::int64_t keep_every = 0);

}  // namespace isobath
