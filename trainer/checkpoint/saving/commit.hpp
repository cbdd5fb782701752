#pragma once
// The moment from which a checkpoint counts.

#include <filesystem>
#include <string>
#include <vector>

#include "trainer/checkpoint/manifest/manifest.hpp"

namespace isobath {

/// Rank 0, when every shard is durable: writes the manifest, then tensors.h5 and `latest`, and removes the checkpoint
/// that this one replaces. The checkpoint counts from the rename of the manifest on; what fails later costs nothing but
/// a hint and some space, and is returned, one line each. Throws StorageError when the checkpoint does not count.
std::vector<std::string> commit(const std::filesystem::path& root, const Manifest& manifest);

}  // namespace isobath
