#include "trainer/checkpoint/hdf5_trace.hpp"

#include <bit>
#include <span>

#include "trainer/checkpoint/hdf5_dataset.hpp"
#include "trainer/checkpoint/manifest/digest.hpp"
#include "trainer/checkpoint/storage/durable.hpp"

namespace isobath {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kTraceVersion = 1;
constexpr const char *kHeader = "header", *kIndex = "index", *kEnds = "ends", *kPositions = "positions",
                     *kDigest = "digest";

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

std::vector<std::int64_t> digest_words(const Lists& lists) {
  std::string bytes;
  const auto append = [&bytes](const auto& list) {
    const auto raw = std::as_bytes(std::span(list));
    bytes.append(reinterpret_cast<const char*>(raw.data()), raw.size());
  };
  append(lists.header);
  append(lists.index);
  append(lists.ends);
  append(lists.positions);
  const Digest digest = digest_of(bytes);
  return {std::bit_cast<std::int64_t>(digest.high), std::bit_cast<std::int64_t>(digest.low)};
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
  // Nothing larger than the file is asked from memory, whatever its structures claim.
  if (dataset.count() < 0 || static_cast<std::uint64_t>(dataset.count()) > fs::file_size(path) / sizeof(T))
    throw StorageError(text(path.string(), ": dataset '", name, "' claims ", dataset.count(), " elements"));
  std::vector<T> list(static_cast<std::size_t>(dataset.count()));
  dataset.read({0, dataset.count()}, list.data());
  return list;
}

Lists read_lists(const fs::path& path) {
  const Hdf5Handle file = hdf5_open_file(path);
  Lists lists;
  lists.header = read_list<std::int64_t>(file, kHeader, path);
  if (lists.header.size() != 4 || lists.header[0] != kTraceVersion)
    throw StorageError(text(path.string(), ": not a route trace of version ", kTraceVersion));
  lists.index = read_list<std::int64_t>(file, kIndex, path);
  lists.ends = read_list<std::int64_t>(file, kEnds, path);
  if (!lists.ends.empty() && lists.ends.back() > 0) lists.positions = read_list<std::int32_t>(file, kPositions, path);
  if (digest_words(lists) != read_list<std::int64_t>(file, kDigest, path))
    throw StorageError(path.string() + ": the content does not match its digest; the file is damaged, record it again");
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
  Hdf5Handle file = hdf5_create_file(temporary);
  write_list(file, kHeader, lists.header, temporary);
  write_list(file, kIndex, lists.index, temporary);
  write_list(file, kEnds, lists.ends, temporary);
  write_list(file, kPositions, lists.positions, temporary);
  write_list(file, kDigest, digest_words(lists), temporary);
  file.close(temporary);
  sync_temporary(path);
  publish(path);
}

RouteTrace read_route_trace(const fs::path& path) try {
  return gather(read_lists(path), path);
} catch (const StorageError& error) {
  throw DataError(text("route trace ", error.what()));
}

}  // namespace isobath
