#include "checkpoint/faults.hpp"

#include <cerrno>
#include <cstdarg>
#include <mutex>

#include <fcntl.h>
#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace isobath::test {
namespace {

struct Record {
  std::mutex mutex;
  bool active = false;
  Fault fault;
  int hits = 0;
  std::vector<Call> calls;
};

Record& record() {
  static Record* const instance = new Record;  // calls come in until the process is gone
  return *instance;
}

std::string path_of(int fd) {
  char path[PATH_MAX];
  const ssize_t length = readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path, sizeof path);
  return length < 0 ? std::string() : std::string(path, static_cast<std::size_t>(length));
}

/// Records the call and says whether it is to fail; errno is then set.
bool fails(Call call) {
  Record& state = record();
  const std::lock_guard lock(state.mutex);
  if (!state.active) return false;
  state.calls.push_back(call);
  const Fault& fault = state.fault;
  if (fault.error == 0 || call.call != fault.call || call.path.find(fault.path) == std::string::npos) return false;
  if (state.fault.spare-- > 0) return false;
  ++state.hits;
  errno = fault.error;
  return true;
}

bool watched() {
  Record& state = record();
  const std::lock_guard lock(state.mutex);
  return state.active;
}

}  // namespace

FaultPlan::FaultPlan(Fault fault) {
  const std::lock_guard lock(record().mutex);
  record().active = true;
  record().fault = std::move(fault);
  record().hits = 0;
  record().calls.clear();
}

FaultPlan::~FaultPlan() {
  const std::lock_guard lock(record().mutex);
  record().active = false;
}

std::vector<Call> FaultPlan::calls() const {
  const std::lock_guard lock(record().mutex);
  return record().calls;
}

int FaultPlan::hits() const {
  const std::lock_guard lock(record().mutex);
  return record().hits;
}

}  // namespace isobath::test

using isobath::test::fails;
using isobath::test::path_of;
using isobath::test::watched;

extern "C" {

// HDF5 forgets, and does not free, what it could not write when closing a file fails; the program ends soon after. What
// this would hide of ours shows elsewhere: a handle left open makes closing the file fail, and open files are counted.
const char* __lsan_default_suppressions() { return "leak:libhdf5\n"; }

// Found before the C library's by every part of the program. They enter the kernel by themselves.

ssize_t write(int fd, const void* data, size_t bytes) {
  if (watched() && fails({"write", path_of(fd), data, bytes})) return -1;
  return syscall(SYS_write, fd, data, bytes);
}

ssize_t pwrite(int fd, const void* data, size_t bytes, off_t offset) {
  if (watched() && fails({"pwrite", path_of(fd), data, bytes})) return -1;
  return syscall(SYS_pwrite64, fd, data, bytes, offset);
}

ssize_t pread(int fd, void* data, size_t bytes, off_t offset) {
  if (watched() && fails({"pread", path_of(fd), data, bytes})) return -1;
  return syscall(SYS_pread64, fd, data, bytes, offset);
}

int fsync(int fd) {
  if (watched() && fails({"fsync", path_of(fd)})) return -1;
  return static_cast<int>(syscall(SYS_fsync, fd));
}

int rename(const char* from, const char* to) noexcept {
  if (watched() && fails({"rename", from})) return -1;
  return static_cast<int>(syscall(SYS_rename, from, to));
}

int open(const char* path, int flags, ...) {
  std::va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  if (watched() && fails({"open", path})) return -1;
  return static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}

}  // extern "C"
