#include "data/files/folder_lock.hpp"

#include <cerrno>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>

#include "ops/core/error.hpp"

namespace isobath {

FolderLock::FolderLock(const std::filesystem::path& folder) {
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem)
    throw StorageError(text(folder.string(), ": the folder cannot be created: ", problem.message(),
                            "; choose another output or make room for this one"));
  handle_ = Descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!handle_.is_open())
    throw StorageError(text(folder.string(), ": the folder cannot be opened: ", std::strerror(errno)));
  if (::flock(handle_.number(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    throw StorageError(
        text(folder.string(), ": another process is writing here; wait for it, or choose another output"));
}

}  // namespace isobath
