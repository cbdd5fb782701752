#include "trainer/checkpoint/hdf5_trace.hpp"

#include <span>

#include "ops/core/files/durable.hpp"
#include "trainer/checkpoint/hdf5_dataset.hpp"
#include "trainer/checkpoint/manifest/digest.hpp"

namespace isobath {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kTraceVersion = 1;
constexpr const char *kHeader = "header", *kIndex = "index", *kEnds = "ends", *kPositions = "positions";
constexpr std::size_t kUserBlock = 512;
// Far more than replays of a few hundred steps need.
constexpr std::int64_t kMostBytes = std::int64_t{4} << 30;

/// The trace as the lists that the file holds.
struct Lists {
  std::vector<std::int64_t> header, index, ends;
  std::vector<std::int32_t> positions;
};

Lists flatten(const RouteTrace& trace) {
  Lists lists;
  lists.header = {kTraceVersion, trace.batch, trace.length, trace.layers};
  for (const auto& [key, positions] : trace.positions) {
    lists.index.insert(lists.index.end(), {key.step, key.layer, key.sample});
    lists.positions.insert(lists.positions.end(), positions.begin(), positions.end());
    lists.ends.push_back(static_cast<std::int64_t>(lists.positions.size()));
  }
  return lists;
}

/// The user block that belongs to these HDF5 bytes.
std::string user_block(std::string_view hdf5) {
  std::string block =
      text("isobath route trace, XXH3-128 of what follows byte ", kUserBlock, ": ", to_hex(digest_of(hdf5)), "\n");
  block.resize(kUserBlock, '\0');
  return block;
}

/// Throws StorageError unless the file is, byte for byte, what write_route_trace left.
void check_bytes(const fs::path& path) {
  const std::string content = read_small_file(path, kMostBytes);
  if (content.size() <= kUserBlock || !content.starts_with("isobath route trace"))
    throw StorageError(path.string() + ": not a route trace");
  if (content.substr(0, kUserBlock) != user_block(std::string_view(content).substr(kUserBlock)))
    throw StorageError(path.string() + ": the content does not match its digest; the file is damaged, record it again");
}

/// An empty list has no dataset.
template <class T>
void write_list(const Hdf5Handle& file, const char* name, const std::vector<T>& list, const fs::path& path) {
  if (list.empty()) return;
  const auto count = static_cast<std::int64_t>(list.size());
  Hdf5Dataset dataset = Hdf5Dataset::create(file, name, dtype_of<T>, count, path);
  dataset.write({0, count}, list.data());
  dataset.close();
}

template <class T>
std::vector<T> read_list(const Hdf5Handle& file, const char* name, const fs::path& path) {
  const Hdf5Dataset dataset = Hdf5Dataset::open(file, name, dtype_of<T>, path);
  std::vector<T> list(static_cast<std::size_t>(dataset.count()));
  dataset.read({0, dataset.count()}, list.data());
  return list;
}

Lists read_lists(const fs::path& path) {
  check_bytes(path);
  const Hdf5Handle file = hdf5_open_file(path);
  Lists lists;
  lists.header = read_list<std::int64_t>(file, kHeader, path);
  if (lists.header.size() != 4 || lists.header[0] != kTraceVersion)
    throw StorageError(text(path.string(), ": not a route trace of version ", kTraceVersion));
  lists.index = read_list<std::int64_t>(file, kIndex, path);
  lists.ends = read_list<std::int64_t>(file, kEnds, path);
  if (!lists.ends.empty() && lists.ends.back() > 0) lists.positions = read_list<std::int32_t>(file, kPositions, path);
  return lists;
}

/// Positions ascend within [0, length).
void check_positions(std::span<const std::int32_t> positions, std::int64_t length, const fs::path& path) {
  std::int64_t last = -1;
  for (const std::int32_t position : positions) {
    if (position <= last || position >= length)
      throw StorageError(text(path.string(), ": position ", position, " after ", last, " in a sequence of ", length));
    last = position;
  }
}

RouteTrace gather(const Lists& lists, const fs::path& path) {
  RouteTrace trace{lists.header[1], lists.header[2], lists.header[3], {}};
  if (lists.index.size() != 3 * lists.ends.size())
    throw StorageError(path.string() + ": index and ends differ in length");
  std::int64_t begin = 0;
  for (std::size_t i = 0; i < lists.ends.size(); ++i) {
    const std::int64_t end = lists.ends[i];
    if (end < begin || end > static_cast<std::int64_t>(lists.positions.size()))
      throw StorageError(path.string() + ": a sequence ends before it begins");
    const std::vector<std::int32_t> positions(lists.positions.begin() + begin, lists.positions.begin() + end);
    check_positions(positions, trace.length, path);
    trace.positions[{lists.index[3 * i], lists.index[3 * i + 1], lists.index[3 * i + 2]}] = positions;
    begin = end;
  }
  return trace;
}

}  // namespace

void write_route_trace(const fs::path& path, const RouteTrace& trace) {
  require(!trace.positions.empty(), "a route trace without a single sequence");
  const Lists lists = flatten(trace);
  const fs::path temporary = temporary_name(path);
  Hdf5Handle file = hdf5_create_file(temporary, kUserBlock);
  write_list(file, kHeader, lists.header, temporary);
  write_list(file, kIndex, lists.index, temporary);
  write_list(file, kEnds, lists.ends, temporary);
  write_list(file, kPositions, lists.positions, temporary);
  file.close(temporary);
  const std::string hdf5 = read_small_file(temporary, kMostBytes).substr(kUserBlock);
  write_durably(path, user_block(hdf5) + hdf5);
}

RouteTrace read_route_trace(const fs::path& path) try {
  return gather(read_lists(path), path);
} catch (const StorageError& error) {
  throw DataError(text("route trace ", error.what()));
}

}  // namespace isobath
