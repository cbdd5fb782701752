#include "ops/core/files/atomic_file.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "ops/core/error.hpp"
#include "ops/core/files/durable.hpp"

namespace isobath {

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)), temporary_(temporary_name(path_)) {
  file_ = Descriptor(::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!file_.is_open()) fail("create it");
}

AtomicFile::~AtomicFile() {
  if (!file_.is_open()) return;
  file_.close();
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_.number(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail("write it");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::write_at(std::int64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file_.number(), bytes.data(), bytes.size(), offset);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail("write it");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += written;
  }
}

void AtomicFile::commit() {
  if (::fsync(file_.number()) != 0) fail("make it durable");
  if (file_.close() != 0) fail("close it");  // the destructor no longer owns it; the next writer replaces it
  publish(path_);
}

void AtomicFile::fail(const char* what) const { throw StorageError(system_failure(temporary_, what, errno)); }

}  // namespace isobath
