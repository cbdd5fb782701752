#include "data/files/mapped_file.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/mman.h>

#include "data/files/open_to_read.hpp"
#include "ops/core/error.hpp"

namespace isobath {

MappedFile::MappedFile(std::filesystem::path path) : path_(std::move(path)) {
  const Descriptor file = open_to_read(path_);
  size_ = size_of_open(file, path_);
  if (size_ == 0) return;  // mmap refuses an empty range
  void* const memory = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file.number(), 0);
  if (memory == MAP_FAILED)
    throw DataError(text(path_.string(), ": ", size_, " bytes cannot be mapped: ", std::strerror(errno)));
  data_ = static_cast<const std::byte*>(memory);
}

MappedFile::~MappedFile() { release(); }

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  if (this != &other) {
    release();
    path_ = std::move(other.path_);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

void MappedFile::release() noexcept {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
  data_ = nullptr;
}

}  // namespace isobath
