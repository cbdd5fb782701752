#pragma once
// What a save is going to write, and the directory that receives it.

#include <filesystem>
#include <span>
#include <string>

#include "trainer/checkpoint/manifest/manifest.hpp"
#include "trainer/checkpoint/tensors/named_tensor.hpp"

namespace isobath {

/// The manifest without files and digests. Throws InternalError when a name is empty or used twice.
Manifest describe(const TrainingState& state, std::span<const NamedTensor> tensors, int world_size);

/// Equal on ranks that agree on step, names, dtypes, shapes and who writes what.
std::string outline(const Manifest& manifest);

/// Bytes that the checkpoint takes on the disk, rounded up.
std::int64_t disk_bytes(const Manifest& manifest);

/// Rank 0, before any shard: makes the step directory ready. A standing checkpoint that is damaged gives way to the one
/// it replaced. Throws StorageError, also for a state that cannot be written.
void make_ready(const std::filesystem::path& root, const Manifest& manifest);

}  // namespace isobath
