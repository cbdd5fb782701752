#include <algorithm>
#include <set>

#include "trainer/checkpoint/manifest/text.hpp"

namespace isobath {
namespace {

template <class... Args>
void expect(bool condition, const std::string& where, const Args&... args) {
  if (!condition) throw StorageError(text(where, ": ", args...));
}

/// Datasets lie inside the file, one after the other, one per dtype. Written with subtractions that cannot overflow.
void validate_file(const FileRecord& file, const std::string& where) {
  std::vector<DatasetRecord> datasets = file.datasets;
  std::ranges::sort(datasets, {}, &DatasetRecord::address);
  std::set<DType> seen;
  std::int64_t end = 0;
  for (const DatasetRecord& dataset : datasets) {
    const auto width = static_cast<std::int64_t>(size_of(dataset.dtype));
    expect(dataset.count > 0 && dataset.address >= end && dataset.address <= file.bytes &&
               dataset.count <= (file.bytes - dataset.address) / width,
           where, "file '", file.name, "': dataset '", name_of(dataset.dtype), "' does not lie inside the file");
    expect(seen.insert(dataset.dtype).second, where, "file '", file.name, "': two datasets '", name_of(dataset.dtype),
           "'");
    end = dataset.address + dataset.bytes();
  }
}

std::int64_t dataset_count(const FileRecord& file, DType dtype) {
  const auto found = std::ranges::find(file.datasets, dtype, &DatasetRecord::dtype);
  return found == file.datasets.end() ? 0 : found->count;
}

void validate_tensor(const TensorRecord& tensor, const Manifest& manifest, const std::string& where) {
  const std::int64_t most = kRangeBytes / static_cast<std::int64_t>(size_of(tensor.dtype));
  std::int64_t covered = 0;
  for (const Piece& piece : tensor.pieces) {
    expect(piece.begin == covered && piece.end > piece.begin && piece.count() <= most, where, "tensor '", tensor.name,
           "': range [", piece.begin, ", ", piece.end, ") after ", covered, " elements");
    const FileRecord& file = manifest.files[static_cast<std::size_t>(piece.file)];
    const std::int64_t available = dataset_count(file, tensor.dtype);
    expect(piece.offset <= available && piece.count() <= available - piece.offset, where, "tensor '", tensor.name,
           "': range [", piece.begin, ", ", piece.end, ") does not lie inside '", file.name, "'");
    covered = piece.end;
  }
  expect(covered == tensor.shape.count(), where, "tensor '", tensor.name, "': ranges hold ", covered,
         " elements, its shape is ", tensor.shape);
}

}  // namespace

void validate(const Manifest& manifest, const std::string& where) {
  expect(static_cast<int>(manifest.files.size()) == manifest.world_size, where, manifest.files.size(),
         " files of a world of ", manifest.world_size);
  for (int rank = 0; rank < manifest.world_size; ++rank) {
    const FileRecord& file = manifest.files[static_cast<std::size_t>(rank)];
    // Also keeps every path inside the directory.
    expect(file.name == shard_name(rank, manifest.world_size), where, "file '", file.name, "' instead of '",
           shard_name(rank, manifest.world_size), "'");
    validate_file(file, where);
  }
  std::set<std::string> names;
  for (const TensorRecord& tensor : manifest.tensors) {
    expect(!tensor.name.empty() && names.insert(tensor.name).second, where, "tensor '", tensor.name,
           "' is listed twice or has no name");
    validate_tensor(tensor, manifest, where);
  }
}

}  // namespace isobath
