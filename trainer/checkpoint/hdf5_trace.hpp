#pragma once
// Route traces as HDF5 files: `header` i64 [version, batch, length, layers]; `index` i64 [3 n], (step, layer, sample)
// of each sequence, ascending; `ends` i64 [n], one past its last entry in `positions` i32; `digest` i64 [2], XXH3-128
// of the other four, one after the other.

#include <filesystem>

#include "trainer/routing/route_trace.hpp"

namespace isobath {

/// Writes `path` durably: there is the whole file under this name, or what was there before. Equal traces make equal
/// files. Throws StorageError.
void write_route_trace(const std::filesystem::path& path, const RouteTrace& trace);

/// Throws DataError when the file is missing, damaged or not a route trace.
RouteTrace read_route_trace(const std::filesystem::path& path);

}  // namespace isobath
