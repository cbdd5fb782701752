#pragma once
#include <filesystem>

namespace isobath {

/// Writes the checkpoint in `directory` again as `root`/step-N with `shards` files, by this process alone, committed as
/// a save is; every byte is verified while it is read. Needs memory for one new shard. Returns the new directory.
/// Throws StorageError; also when `root` is the folder that `directory` lies in.
std::filesystem::path reshard_checkpoint(const std::filesystem::path& directory, const std::filesystem::path& root,
                                         int shards);

}  // namespace isobath
