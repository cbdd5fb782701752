#pragma once
// The texts that paths stand for.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <vector>

namespace isobath {

/// Files as they are; of a folder every regular file in it and below that is not hidden, in the order of their paths.
/// Throws DataError for a folder that cannot be listed or holds no file.
std::vector<std::filesystem::path> text_files(const std::vector<std::filesystem::path>& paths);

/// Calls take(block) for the bytes [begin, end) of a file in order. Throws DataError when they cannot be read.
void for_each_block(const std::filesystem::path& path, std::int64_t begin, std::int64_t end,
                    const std::function<void(std::span<const std::byte>)>& take);

}  // namespace isobath
