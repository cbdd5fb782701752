#include "trainer/checkpoint/hdf5_dataset.hpp"

#include <utility>

#include <hdf5.h>

namespace isobath {
namespace {

namespace fs = std::filesystem;

Hdf5Handle flat_space(std::int64_t count, const fs::path& path) {
  const hsize_t extent = static_cast<hsize_t>(count);
  return {hdf5_check(H5Screate_simple(1, &extent, nullptr), "describe a dataset", path), H5Sclose};
}

Hdf5Handle creation_properties(const fs::path& path) {
  Hdf5Handle properties(hdf5_check(H5Pcreate(H5P_DATASET_CREATE), "set it up", path), H5Pclose);
  const hid_t id = properties.get();
  hdf5_check(H5Pset_layout(id, H5D_CONTIGUOUS), "set it up", path);
  hdf5_check(H5Pset_alloc_time(id, H5D_ALLOC_TIME_EARLY), "set it up", path);
  hdf5_check(H5Pset_fill_time(id, H5D_FILL_TIME_NEVER), "set it up", path);
  // Equal states make equal files, whatever the clock says.
  hdf5_check(H5Pset_obj_track_times(id, false), "set it up", path);
  return properties;
}

/// The elements `range` of `dataset` as a selection.
Hdf5Handle selection(const Hdf5Handle& dataset, DatasetRange range, const fs::path& path) {
  Hdf5Handle space(hdf5_check(H5Dget_space(dataset.get()), "select elements", path), H5Sclose);
  const hsize_t start = static_cast<hsize_t>(range.offset), count = static_cast<hsize_t>(range.count);
  hdf5_check(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, &start, nullptr, &count, nullptr), "select elements",
             path);
  return space;
}

}  // namespace

// The same on disk and in memory: isobath runs on little-endian machines, and nothing is ever converted.
std::int64_t hdf5_type(DType dtype) {
  switch (dtype) {
    case DType::F32:
      return H5T_IEEE_F32LE;
    case DType::BF16:
      return H5T_STD_U16LE;
    case DType::F64:
      return H5T_IEEE_F64LE;
    case DType::I32:
      return H5T_STD_I32LE;
    case DType::I64:
      return H5T_STD_I64LE;
  }
  throw InternalError("a dtype without HDF5 type");
}

void hdf5_mark_bf16(const Hdf5Handle& dataset, const fs::path& path) {
  const Hdf5Handle space(hdf5_check(H5Screate(H5S_SCALAR), "mark bf16", path), H5Sclose);
  const Hdf5Handle type(hdf5_check(H5Tcopy(H5T_C_S1), "mark bf16", path), H5Tclose);
  hdf5_check(H5Tset_size(type.get(), 4), "mark bf16", path);
  Hdf5Handle mark(hdf5_check(H5Acreate2(dataset.get(), "element", type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT),
                             "mark bf16", path),
                  H5Aclose);
  hdf5_check(H5Awrite(mark.get(), type.get(), "bf16"), "mark bf16", path);
  mark.close(path);
}

Hdf5Dataset Hdf5Dataset::create(const Hdf5Handle& file, const std::string& name, DType dtype, std::int64_t count,
                                const fs::path& path) {
  const Hdf5Lock lock;
  const Hdf5Handle space = flat_space(count, path), creation = creation_properties(path);
  Hdf5Handle dataset(hdf5_check(H5Dcreate2(file.get(), name.c_str(), hdf5_type(dtype), space.get(), H5P_DEFAULT,
                                           creation.get(), H5P_DEFAULT),
                                "create a dataset", path),
                     H5Dclose);
  if (dtype == DType::BF16) hdf5_mark_bf16(dataset, path);
  return {std::move(dataset), dtype, count, path};
}

Hdf5Dataset Hdf5Dataset::open(const Hdf5Handle& file, const std::string& name, DType dtype, const fs::path& path) {
  const Hdf5Lock lock;
  const std::string what = "open dataset '" + name + "'";
  Hdf5Handle dataset(hdf5_check(H5Dopen2(file.get(), name.c_str(), H5P_DEFAULT), what, path), H5Dclose);
  const Hdf5Handle space(hdf5_check(H5Dget_space(dataset.get()), what, path), H5Sclose);
  const Hdf5Handle type(hdf5_check(H5Dget_type(dataset.get()), what, path), H5Tclose);
  const Hdf5Handle creation(hdf5_check(H5Dget_create_plist(dataset.get()), what, path), H5Pclose);
  hsize_t extent = 0;
  if (H5Sget_simple_extent_ndims(space.get()) != 1 || H5Sget_simple_extent_dims(space.get(), &extent, nullptr) != 1 ||
      H5Tequal(type.get(), hdf5_type(dtype)) <= 0 || H5Pget_layout(creation.get()) != H5D_CONTIGUOUS)
    throw StorageError(text(path.string(), ": dataset '", name, "' is not a flat list of ", name_of(dtype)));
  return {std::move(dataset), dtype, static_cast<std::int64_t>(extent), path};
}

void Hdf5Dataset::write(DatasetRange range, const void* values) const {
  const Hdf5Lock lock;
  const Hdf5Handle memory = flat_space(range.count, path_), chosen = selection(dataset_, range, path_);
  hdf5_check(H5Dwrite(dataset_.get(), hdf5_type(dtype_), memory.get(), chosen.get(), H5P_DEFAULT, values), "write it",
             path_);
}

void Hdf5Dataset::read(DatasetRange range, void* values) const {
  const Hdf5Lock lock;
  const Hdf5Handle memory = flat_space(range.count, path_), chosen = selection(dataset_, range, path_);
  hdf5_check(H5Dread(dataset_.get(), hdf5_type(dtype_), memory.get(), chosen.get(), H5P_DEFAULT, values), "read it",
             path_);
}

std::int64_t Hdf5Dataset::address() const {
  const Hdf5Lock lock;
  const haddr_t address = H5Dget_offset(dataset_.get());
  if (address == HADDR_UNDEF) throw StorageError(path_.string() + ": a dataset has no place in the file");
  return static_cast<std::int64_t>(address);
}

}  // namespace isobath
