#pragma once
#include <cstdint>
#include <filesystem>
#include <string_view>

namespace isobath {

/// Throws StorageError "DIRECTORY: WHAT n bytes, m are free; ..." when the file system of `directory`, which exists,
/// has less free space for this user. File systems that do not count pass.
void require_space(const std::filesystem::path& directory, std::int64_t bytes, std::string_view what);

}  // namespace isobath
