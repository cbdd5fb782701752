#include "data/files/open_to_read.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>

#include "ops/core/error.hpp"

namespace isobath {
namespace {

const char* remedy_for(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return "; check the path, relative ones start where the program was started";
    case EACCES:
    case EPERM:
      return "; make it readable for this user";
    default:
      return "";
  }
}

struct stat stat_of(const Descriptor& file, const std::filesystem::path& path) {
  struct stat info {};
  if (::fstat(file.number(), &info) != 0) throw DataError(text(path.string(), ": ", std::strerror(errno)));
  return info;
}

}  // namespace

Descriptor open_to_read(const std::filesystem::path& path) {
  // Without O_NONBLOCK, opening a named pipe would wait for its writer before we can refuse it.
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open()) {
    const int error = errno;
    throw DataError(text(path.string(), ": cannot be read: ", std::strerror(error), remedy_for(error)));
  }
  if (!S_ISREG(stat_of(file, path).st_mode))
    throw DataError(text(path.string(), ": is not a regular file; name a file, not a directory or a pipe"));
  return file;
}

std::size_t size_of_open(const Descriptor& file, const std::filesystem::path& path) {
  return static_cast<std::size_t>(stat_of(file, path).st_size);
}

}  // namespace isobath
