#include "ops/core/files/durable.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops/core/error.hpp"
#include "ops/core/files/descriptor.hpp"

namespace isobath {
namespace {

namespace fs = std::filesystem;

Descriptor opened(const fs::path& path, int flags, std::string_view what) {
  Descriptor file(open(path.c_str(), flags | O_CLOEXEC, 0644));
  if (!file.is_open()) throw StorageError(system_failure(path, what, errno));
  return file;
}

void sync(const Descriptor& file, const fs::path& path) {
  if (fsync(file.number()) != 0) throw StorageError(system_failure(path, "make it durable", errno));
}

/// Network file systems report a failed write here.
void close(Descriptor& file, const fs::path& path) {
  if (file.close() != 0) throw StorageError(system_failure(path, "close it", errno));
}

const char* remedy(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return "; free some space or raise the quota or the limit on file sizes, then start again";
    case EACCES:
    case EPERM:
    case EROFS:
      return "; make the directory writable for this user, or choose another run directory";
    case EIO:
      return "; the disk or the network file system fails, ask its administrator";
    default:
      return "";
  }
}

}  // namespace

std::string system_failure(const fs::path& path, std::string_view what, int error) {
  return text(path.string(), ": cannot ", what, ": ", std::strerror(error), remedy(error));
}

fs::path temporary_name(const fs::path& path) { return path.string() + ".tmp"; }

void write_temporary(const fs::path& path, std::string_view content) {
  const fs::path temporary = temporary_name(path);
  Descriptor file = opened(temporary, O_WRONLY | O_CREAT | O_TRUNC, "create it");
  while (!content.empty()) {
    const ssize_t written = write(file.number(), content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw StorageError(system_failure(temporary, "write it", errno));
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  sync(file, temporary);
  close(file, temporary);
}

void sync_temporary(const fs::path& path) {
  const fs::path temporary = temporary_name(path);
  Descriptor file = opened(temporary, O_RDWR, "open it again");
  sync(file, temporary);
  close(file, temporary);
}

void publish(const fs::path& path) {
  const fs::path temporary = temporary_name(path);
  if (rename(temporary.c_str(), path.c_str()) != 0)
    throw StorageError(system_failure(temporary, "give it its final name", errno));
  sync_directory(path.has_parent_path() ? path.parent_path() : fs::path("."));
}

void write_durably(const fs::path& path, std::string_view content) {
  write_temporary(path, content);
  publish(path);
}

void sync_directory(const fs::path& directory) {
  const Descriptor entry = opened(directory, O_RDONLY | O_DIRECTORY, "open the directory");
  // Some network and user-space file systems know no fsync of a directory and say EINVAL; they order renames
  // themselves.
  if (fsync(entry.number()) != 0 && errno != EINVAL)
    throw StorageError(system_failure(directory, "make it durable", errno));
}

std::string read_small_file(const fs::path& path, std::int64_t most) {
  const Descriptor file = opened(path, O_RDONLY, "open it");
  struct stat status {};
  if (fstat(file.number(), &status) != 0) throw StorageError(system_failure(path, "look at it", errno));
  if (!S_ISREG(status.st_mode) || status.st_size > most)
    throw StorageError(text(path.string(), ": not a regular file of at most ", most, " bytes"));
  std::string content(static_cast<std::size_t>(status.st_size), '\0');
  for (std::size_t have = 0; have < content.size();) {
    const ssize_t got = read(file.number(), content.data() + have, content.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw StorageError(system_failure(path, "read it", errno));
    if (got == 0) throw StorageError(path.string() + ": shrank while it was read");
    have += static_cast<std::size_t>(got);
  }
  return content;
}

}  // namespace isobath
