#include "trainer/checkpoint/hdf5_virtual.hpp"

#include <algorithm>

#include <hdf5.h>

#include "ops/core/files/durable.hpp"
#include "trainer/checkpoint/hdf5_dataset.hpp"
#include "trainer/checkpoint/manifest/boxes.hpp"

namespace isobath {
namespace {

namespace fs = std::filesystem;

/// Neighbouring pieces that lie one behind the other in the same file count as one.
std::vector<Piece> merged(const std::vector<Piece>& pieces) {
  std::vector<Piece> out;
  for (const Piece& piece : pieces) {
    if (!out.empty() && out.back().file == piece.file && out.back().offset + out.back().count() == piece.offset)
      out.back().end = piece.end;
    else
      out.push_back(piece);
  }
  return out;
}

Hdf5Handle space_of(const std::vector<hsize_t>& extents, const fs::path& path) {
  return {hdf5_check(H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr), "describe a dataset",
                     path),
          H5Sclose};
}

void select(const Hdf5Handle& space, const hsize_t* start, const hsize_t* count, const fs::path& path) {
  hdf5_check(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start, nullptr, count, nullptr), "select elements", path);
}

hsize_t source_count(const FileRecord& file, DType dtype) {
  return static_cast<hsize_t>(std::ranges::find(file.datasets, dtype, &DatasetRecord::dtype)->count);
}

class VirtualFile {
 public:
  VirtualFile(const fs::path& path, const Manifest& manifest)
      : path_(path),
        manifest_(manifest),
        file_(hdf5_create_file(path)),
        links_(hdf5_check(H5Pcreate(H5P_LINK_CREATE), "set it up", path), H5Pclose) {
    hdf5_check(H5Pset_create_intermediate_group(links_.get(), 1), "set it up", path);
  }

  void add(const TensorRecord& tensor) {
    std::vector<hsize_t> extents;
    for (int dim = 0; dim < tensor.shape.rank(); ++dim) extents.push_back(static_cast<hsize_t>(tensor.shape[dim]));
    if (extents.empty()) extents.push_back(1);  // the library maps no scalars
    const Hdf5Handle space = space_of(extents, path_);
    const Hdf5Handle creation(hdf5_check(H5Pcreate(H5P_DATASET_CREATE), "set it up", path_), H5Pclose);
    hdf5_check(H5Pset_obj_track_times(creation.get(), false), "set it up", path_);
    for (const Piece& piece : merged(tensor.pieces)) map(creation, extents, tensor.dtype, piece);
    Hdf5Handle dataset(hdf5_check(H5Dcreate2(file_.get(), tensor.name.c_str(), hdf5_type(tensor.dtype), space.get(),
                                             links_.get(), creation.get(), H5P_DEFAULT),
                                  "create '" + tensor.name + "'", path_),
                       H5Dclose);
    if (tensor.dtype == DType::BF16) hdf5_mark_bf16(dataset, path_);
    dataset.close(path_);
  }

  void close() { file_.close(path_); }

 private:
  /// A range of the flattened tensor is a few boxes of the tensor, each one piece of the source.
  void map(const Hdf5Handle& creation, const std::vector<hsize_t>& extents, DType dtype, const Piece& piece) const {
    const FileRecord& file = manifest_.files[static_cast<std::size_t>(piece.file)];
    const Hdf5Handle target = space_of(extents, path_), source = space_of({source_count(file, dtype)}, path_);
    auto offset = static_cast<hsize_t>(piece.offset);
    const std::vector<std::int64_t> shape(extents.begin(), extents.end());
    for (const Box& box : boxes_of(shape, piece.begin, piece.end)) {
      const std::vector<hsize_t> start(box.start.begin(), box.start.end()), count(box.count.begin(), box.count.end());
      const auto elements = static_cast<hsize_t>(box.elements());
      select(target, start.data(), count.data(), path_);
      select(source, &offset, &elements, path_);
      hdf5_check(H5Pset_virtual(creation.get(), target.get(), file.name.c_str(), name_of(dtype), source.get()),
                 "map a shard", path_);
      offset += elements;
    }
  }

  fs::path path_;
  const Manifest& manifest_;
  Hdf5Handle file_;
  Hdf5Handle links_;
};

}  // namespace

void write_virtual_file(const fs::path& directory, const Manifest& manifest) {
  const Hdf5Lock lock;
  const fs::path path = directory / kVirtualName;
  VirtualFile file(temporary_name(path), manifest);
  for (const TensorRecord& tensor : manifest.tensors) file.add(tensor);
  file.close();
  sync_temporary(path);
  publish(path);
}

}  // namespace isobath
