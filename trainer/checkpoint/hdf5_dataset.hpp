#pragma once
// Flat datasets of one element type: contiguous, allocated when created, never filled, never converted.

#include <cstdint>
#include <filesystem>
#include <string>

#include "ops/core/dtype.hpp"
#include "trainer/checkpoint/hdf5_handle.hpp"

namespace isobath {

/// The library's type for the elements; its owner is the library.
std::int64_t hdf5_type(DType dtype);
/// Marks words that are bf16 for whoever opens the file with other tools.
void hdf5_mark_bf16(const Hdf5Handle& dataset, const std::filesystem::path& path);

/// Which elements of a flat dataset.
struct DatasetRange {
  std::int64_t offset = 0, count = 0;
};

/// A dataset `name` of `count` > 0 elements in the file's root. bf16 is stored as the 16-bit words it consists of, and
/// says so in an attribute: HDF5 would round ties up, not to even.
class Hdf5Dataset {
 public:
  static Hdf5Dataset create(const Hdf5Handle& file, const std::string& name, DType dtype, std::int64_t count,
                            const std::filesystem::path& path);
  /// Throws StorageError when it is absent or not a flat contiguous dataset of `dtype`.
  static Hdf5Dataset open(const Hdf5Handle& file, const std::string& name, DType dtype,
                          const std::filesystem::path& path);

  std::int64_t count() const { return count_; }
  void write(DatasetRange range, const void* values) const;
  void read(DatasetRange range, void* values) const;
  /// Position of the first element in the file, in bytes.
  std::int64_t address() const;
  void close() { dataset_.close(path_); }

 private:
  Hdf5Dataset(Hdf5Handle dataset, DType dtype, std::int64_t count, std::filesystem::path path)
      : dataset_(std::move(dataset)), dtype_(dtype), count_(count), path_(std::move(path)) {}

  Hdf5Handle dataset_;
  DType dtype_;
  std::int64_t count_;
  std::filesystem::path path_;
};

}  // namespace isobath
