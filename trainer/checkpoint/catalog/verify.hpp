#pragma once
// What is in a checkpoint, and whether it is whole.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "configs/schema/checkpoint_config.hpp"
#include "trainer/checkpoint/manifest/manifest.hpp"

namespace isobath {

/// The manifest's text. Throws StorageError when there is none or it cannot be read.
std::string read_manifest_text(const std::filesystem::path& directory);
/// What the checkpoint holds: tensors, shapes, files, state. Throws StorageError when there is no valid manifest.
Manifest read_manifest(const std::filesystem::path& directory);

struct VerifyReport {
  std::int64_t files = 0, ranges = 0, bytes = 0;  ///< looked at and found whole
  std::vector<std::string> problems;              ///< each names its file, and the tensor and range
  bool whole() const { return problems.empty(); }
};

/// Looks at everything and lists every problem; throws nothing that a damaged checkpoint can cause.
VerifyReport verify_checkpoint(const std::filesystem::path& directory, VerifyLevel level = VerifyLevel::Full);

/// The first problem, or nothing when the checkpoint is whole.
std::optional<std::string> damage_of(const std::filesystem::path& directory, VerifyLevel level);

}  // namespace isobath
