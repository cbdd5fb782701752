#pragma once
// The directories under checkpoints/: what they are called, what may lie in them, how one is made ready and removed.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace isobath {

inline constexpr const char* kManifestName = "manifest.json";
inline constexpr const char* kLatestName = "latest";

/// step-00001000
std::string step_name(std::int64_t step);

/// A directory named after a step. `replaced` marks step-N.replaced: a checkpoint that a later save of the same step
/// put aside, and removes once it is whole itself.
struct StepDirectory {
  std::filesystem::path path;
  std::int64_t step = 0;
  bool replaced = false;
};

/// Newest first; the replaced one after the one that replaced it. Empty when `root` does not exist. Other names are
/// passed over. Throws StorageError when `root` cannot be read.
std::vector<StepDirectory> step_directories(const std::filesystem::path& root);

/// An empty step directory under `root` with room for `bytes`. What an interrupted save left is removed; a checkpoint
/// that stands there is put aside first, so that there is never a moment without it. Throws StorageError.
std::filesystem::path prepare_step_directory(const std::filesystem::path& root, std::int64_t step, std::int64_t bytes);

/// The one that was put aside, if there is one.
std::optional<std::filesystem::path> replaced_directory(const std::filesystem::path& root, std::int64_t step);

/// Removes a checkpoint or what is left of one: the manifest first, durably, then the files it knows by name, then the
/// directory. Files of other names stay, and then the directory does. Returns what could not be removed and why, or
/// nothing.
std::optional<std::string> remove_step_directory(const std::filesystem::path& directory);

}  // namespace isobath
