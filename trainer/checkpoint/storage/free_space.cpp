#include "trainer/checkpoint/storage/free_space.hpp"

#include <cerrno>

#include <sys/statvfs.h>

#include "ops/core/error.hpp"
#include "ops/core/files/durable.hpp"

namespace isobath {

void require_space(const std::filesystem::path& directory, std::int64_t bytes, std::string_view what) {
  struct statvfs status {};
  if (statvfs(directory.c_str(), &status) != 0) throw StorageError(system_failure(directory, "look at it", errno));
  const auto available = static_cast<std::int64_t>(status.f_bavail) * static_cast<std::int64_t>(status.f_frsize);
  if (status.f_blocks > 0 && available < bytes)  // file systems that do not count report no blocks at all
    throw StorageError(text(directory.string(), ": ", what, " ", bytes, " bytes, ", available,
                            " are free; free some space or lower checkpoint.keep_last"));
}

}  // namespace isobath
