#pragma once
// tensors.h5: each tensor whole, under its name and in its shape, for h5py, h5dump and the like. It holds no values,
// only where they lie in the shards beside it; isobath itself never reads it, and a checkpoint is whole without it.
// bf16 is shown as 16-bit words with the attribute element = "bf16".

#include <filesystem>

#include "trainer/checkpoint/manifest/manifest.hpp"

namespace isobath {

inline constexpr const char* kVirtualName = "tensors.h5";

/// Writes it durably into the directory of the checkpoint. Throws StorageError.
void write_virtual_file(const std::filesystem::path& directory, const Manifest& manifest);

}  // namespace isobath
