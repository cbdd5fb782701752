#include "data/files/atomic_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "ops/core/error.hpp"

namespace isobath {
namespace {

std::filesystem::path with_suffix(const std::filesystem::path& path) {
  return path.string() + std::string(kPartialSuffix);
}

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)), partial_(with_suffix(path_)) {
  file_ = Descriptor(::open(partial_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!file_.is_open()) fail("cannot be created");
}

AtomicFile::~AtomicFile() {
  if (!file_.is_open()) return;
  file_.close();
  ::unlink(partial_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_.number(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail("cannot be written");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::write_at(std::int64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file_.number(), bytes.data(), bytes.size(), offset);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail("cannot be written");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += written;
  }
}

void AtomicFile::commit() {
  if (::fsync(file_.number()) != 0) fail("cannot be made durable");
  const bool closed = file_.close() == 0;
  if (!closed || ::rename(partial_.c_str(), path_.c_str()) != 0) {
    const int error = errno;
    ::unlink(partial_.c_str());  // the destructor no longer owns it
    errno = error;
    fail(closed ? "cannot be renamed to its final name" : "cannot be closed");
  }
  sync_folder(path_.has_parent_path() ? path_.parent_path() : ".");
}

void AtomicFile::fail(std::string_view what) const {
  throw StorageError(text(partial_.string(), ": ", what, ": ", std::strerror(errno),
                          "; check free space, quota and permissions of its folder"));
}

void write_atomically(const std::filesystem::path& path, std::string_view content) {
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(content)));
  file.commit();
}

void sync_folder(const std::filesystem::path& folder) {
  const Descriptor handle(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Some network and user-space file systems know no fsync of a folder and say EINVAL; they order renames themselves.
  if (!handle.is_open() || (::fsync(handle.number()) != 0 && errno != EINVAL))
    throw StorageError(text(folder.string(), ": the folder cannot be made durable: ", std::strerror(errno)));
}

}  // namespace isobath
