#include "trainer/checkpoint/storage/file_check.hpp"
#include "trainer/checkpoint/storage/shard.hpp"

namespace isobath {

ShardReader::ShardReader(const std::filesystem::path& directory, const FileRecord& file)
    : path_(directory / file.name) {
  check_size(path_, file);
  check_metadata(path_, file);
  file_ = hdf5_open_file(path_);
  for (const DatasetRecord& record : file.datasets) {
    Hdf5Dataset dataset = Hdf5Dataset::open(file_, name_of(record.dtype), record.dtype, path_);
    if (dataset.count() != record.count || dataset.address() != record.address)
      throw StorageError(
          text(path_.string(), ": dataset '", name_of(record.dtype), "' is not where the manifest says"));
    datasets_.emplace(record.dtype, std::move(dataset));
  }
}

void ShardReader::read(const TensorRecord& tensor, const Piece& piece, std::span<std::byte> out) const {
  require(out.size() == static_cast<std::size_t>(piece.count()) * size_of(tensor.dtype), "a range of ", piece.count(),
          " elements into ", out.size(), " bytes");
  datasets_.at(tensor.dtype).read({piece.offset, piece.count()}, out.data());
  const Digest found = digest_of(std::span<const std::byte>(out));
  if (found != piece.digest)
    throw StorageError(text(path_.string(), ": tensor '", tensor.name, "', elements [", piece.begin, ", ", piece.end,
                            "): digest ", to_hex(found), ", saved as ", to_hex(piece.digest),
                            "; the file is damaged, use another checkpoint"));
}

}  // namespace isobath
