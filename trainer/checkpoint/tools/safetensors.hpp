#pragma once
// The safetensors format: u64 little-endian length of the header; the header, one JSON object, padded with spaces to a
// multiple of 8; the tensors' bytes without gaps, row-major, little-endian.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "trainer/checkpoint/manifest/manifest.hpp"

namespace isobath {

/// Writes these tensors of the checkpoint in `directory` durably to `path`, verified while they are read: those of wide
/// elements first, then by name, so that each is aligned to its element. `metadata` is the format's free section.
/// Throws StorageError.
void write_safetensors(const std::filesystem::path& path, const std::filesystem::path& directory,
                       const Manifest& manifest, std::vector<const TensorRecord*> tensors,
                       const std::map<std::string, std::string>& metadata);

}  // namespace isobath
