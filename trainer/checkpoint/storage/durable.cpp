#include "trainer/checkpoint/storage/durable.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops/core/error.hpp"

namespace isobath {
namespace {

namespace fs = std::filesystem;

class Descriptor {
 public:
  Descriptor(const fs::path& path, int flags, std::string_view what)
      : path_(path), fd_(open(path.c_str(), flags, 0644)) {
    if (fd_ < 0) throw StorageError(system_failure(path_, what, errno));
  }
  // Only reached unclosed when an error is under way already, or when nothing was written.
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return fd_; }

  void sync() const {
    if (fsync(fd_) != 0) throw StorageError(system_failure(path_, "make it durable", errno));
  }

  /// Network file systems report a failed write here.
  void close() {
    const int fd = std::exchange(fd_, -1);
    if (::close(fd) != 0) throw StorageError(system_failure(path_, "close it", errno));
  }

 private:
  fs::path path_;
  int fd_;
};

const char* remedy(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "; free some space or raise the quota, then start again: it goes on from the newest whole checkpoint";
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
  Descriptor file(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, "create it");
  while (!content.empty()) {
    const ssize_t written = write(file.get(), content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw StorageError(system_failure(temporary, "write it", errno));
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  file.sync();
  file.close();
}

void sync_temporary(const fs::path& path) {
  Descriptor file(temporary_name(path), O_RDWR | O_CLOEXEC, "open it again");
  file.sync();
  file.close();
}

void publish(const fs::path& path) {
  const fs::path temporary = temporary_name(path);
  if (rename(temporary.c_str(), path.c_str()) != 0)
    throw StorageError(system_failure(temporary, "give it its final name", errno));
  sync_directory(path.has_parent_path() ? path.parent_path() : fs::path("."));
}

void sync_directory(const fs::path& directory) {
  Descriptor entry(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC, "open the directory");
  entry.sync();
  entry.close();
}

std::string read_text(const fs::path& path, std::int64_t most) {
  Descriptor file(path, O_RDONLY | O_CLOEXEC, "open it");
  struct stat status {};
  if (fstat(file.get(), &status) != 0) throw StorageError(system_failure(path, "look at it", errno));
  if (!S_ISREG(status.st_mode) || status.st_size > most)
    throw StorageError(text(path.string(), ": not a regular file of at most ", most, " bytes"));
  std::string content(static_cast<std::size_t>(status.st_size), '\0');
  for (std::size_t have = 0; have < content.size();) {
    const ssize_t got = read(file.get(), content.data() + have, content.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw StorageError(system_failure(path, "read it", errno));
    if (got == 0) throw StorageError(path.string() + ": shrank while it was read");
    have += static_cast<std::size_t>(got);
  }
  return content;
}

}  // namespace isobath
