// Loaded before the C library (LD_PRELOAD) into a real run: lets chosen system calls on chosen files fail, as a full or
// dying disk would. ISOBATH_IO_FAULT="CALL:PART:ERRNO:FIRST:COUNT": calls FIRST .. FIRST + COUNT - 1 (from 1) of CALL
// (write, fsync, rename) on paths that contain PART fail with that errno; "write" is pwrite too.

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include <dlfcn.h>
#include <limits.h>
#include <unistd.h>

namespace {

struct Plan {
  std::string call, part;
  int error = 0, first = 0, count = 0;
};

const Plan& plan() {
  static const Plan made = [] {
    Plan out;
    const char* text = std::getenv("ISOBATH_IO_FAULT");
    if (text == nullptr) return out;
    std::string fields[5], rest = text;
    for (std::string& field : fields) {
      const auto end = rest.find(':');
      field = rest.substr(0, end);
      rest = end == std::string::npos ? "" : rest.substr(end + 1);
    }
    out.call = fields[0];
    out.part = fields[1];
    out.error = std::atoi(fields[2].c_str());
    out.first = std::atoi(fields[3].c_str());
    out.count = std::atoi(fields[4].c_str());
    return out;
  }();
  return made;
}

std::atomic<int> calls{0};

bool fails(const char* call, const char* path) {
  if (plan().call != call || std::strstr(path, plan().part.c_str()) == nullptr) return false;
  const int number = ++calls;
  if (number < plan().first || number >= plan().first + plan().count) return false;
  errno = plan().error;
  return true;
}

bool fails(const char* call, int descriptor) {
  if (plan().call != call) return false;
  char path[PATH_MAX];
  const ssize_t length = ::readlink(("/proc/self/fd/" + std::to_string(descriptor)).c_str(), path, sizeof path - 1);
  if (length <= 0) return false;
  path[length] = '\0';
  return fails(call, path);
}

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

ssize_t write(int descriptor, const void* data, size_t bytes) {
  static const auto real = next<ssize_t (*)(int, const void*, size_t)>("write");
  return fails("write", descriptor) ? -1 : real(descriptor, data, bytes);
}

ssize_t pwrite(int descriptor, const void* data, size_t bytes, off_t offset) {
  static const auto real = next<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  return fails("write", descriptor) ? -1 : real(descriptor, data, bytes, offset);
}

ssize_t pwrite64(int descriptor, const void* data, size_t bytes, off64_t offset) {
  static const auto real = next<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64");
  return fails("write", descriptor) ? -1 : real(descriptor, data, bytes, offset);
}

int fsync(int descriptor) {
  static const auto real = next<int (*)(int)>("fsync");
  return fails("fsync", descriptor) ? -1 : real(descriptor);
}

int rename(const char* from, const char* to) noexcept {
  static const auto real = next<int (*)(const char*, const char*)>("rename");
  return fails("rename", from) ? -1 : real(from, to);
}

}  // extern "C"
