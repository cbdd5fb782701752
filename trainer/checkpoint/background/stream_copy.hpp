#pragma once
#include <cstddef>
#include <span>

namespace isobath {

/// Copies `from` to `to`, which does not overlap it, without reading the destination first and without driving what
/// training needs out of the caches. memcpy does so by itself only far above the size of a parameter.
void stream_copy(std::byte* to, std::span<const std::byte> from);

}  // namespace isobath
