#pragma once
#include <cstddef>
#include <filesystem>

#include "ops/core/files/descriptor.hpp"

namespace isobath {

/// Opens a regular file for reading. Throws DataError: missing, unreadable, a directory; with the remedy.
Descriptor open_to_read(const std::filesystem::path& path);

/// Bytes of the open file.
std::size_t size_of_open(const Descriptor& file, const std::filesystem::path& path);

}  // namespace isobath
