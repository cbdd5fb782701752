#pragma once
#include <filesystem>

namespace isobath {

/// Writes the weights of a checkpoint to `folder`/model.safetensors, under the names they have in the checkpoint, and
/// what describes the model to `folder`/config.json: the usual names for the trunk's sizes, and the sections model and
/// depth of the configuration as they are. The folder is made. Throws StorageError.
void export_checkpoint(const std::filesystem::path& checkpoint, const std::filesystem::path& folder);

}  // namespace isobath
