#pragma once
// Reads a file front to back in blocks, so that a corpus need not fit in memory.

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>

namespace isobath {

/// Calls take(block) for the bytes of the file in order. Throws DataError when it cannot be read.
void for_each_block(const std::filesystem::path& path, const std::function<void(std::span<const std::byte>)>& take);

/// A small text file. Throws DataError when it cannot be read or holds more than `limit` bytes.
std::string read_text(const std::filesystem::path& path, std::size_t limit);

}  // namespace isobath
