#pragma once
// Route traces as HDF5 files: `header` i64 [version, batch, length, layers]; `index` i64 [3 n], (step, layer, sample)
// of each sequence, ascending; `ends` i64 [n], one past its last entry in `positions` i32. The user block, the first
// 512 bytes, which HDF5 leaves alone, holds one line with the XXH3-128 of all that follows it: a damaged file is
// refused before HDF5 parses it.

#include <filesystem>

#include "trainer/routing/route_trace.hpp"

namespace isobath {

/// Writes `path` durably: there is the whole file under this name, or what was there before. Equal traces make equal
/// files. Throws StorageError.
void write_route_trace(const std::filesystem::path& path, const RouteTrace& trace);

/// Throws DataError when the file is missing, damaged or not a route trace.
RouteTrace read_route_trace(const std::filesystem::path& path);

}  // namespace isobath
