#include "trainer/bench/shared_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "ops/core/log.hpp"
#include "parallel/agreement.hpp"
#include "parallel/exchange.hpp"

namespace isobath {
namespace {

namespace fs = std::filesystem;

constexpr const char *kPrefix = "isobath-bench-", *kLock = "lock";

/// Locked, or not open: another process has it, it does not exist, or the file system knows no locks.
Descriptor locked(const fs::path& file, int flags) {
  Descriptor lock(::open(file.c_str(), O_RDWR | O_CLOEXEC | flags, 0666));
  if (lock.is_open() && ::flock(lock.number(), LOCK_EX | LOCK_NB) != 0) return {};
  return lock;
}

void remove_abandoned(const fs::path& parent) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(parent, error)) {
    if (!entry.path().filename().string().starts_with(kPrefix)) continue;
    if (!locked(entry.path() / kLock, 0).is_open()) continue;
    log_info(text("removing ", entry.path().string(), ", which a benchmark that was killed has left"));
    fs::remove_all(entry.path(), error);
  }
}

}  // namespace

SharedFolder::SharedFolder(const fs::path& parent, Communicator& ranks) {
  on_every_rank(ranks, [&] {
    if (ranks.rank() == 0) make(parent);
  });
  path_ = broadcast_text(ranks, mine_.string());
}

void SharedFolder::make(const fs::path& parent) {
  const std::string name = text(kPrefix, ::getpid());
  // Locked under another name first: a folder of this name without a lock is one that was left.
  const fs::path early = parent / ("." + name);
  std::error_code error;
  fs::create_directories(parent, error);
  remove_abandoned(parent);
  fs::remove_all(early, error);
  if (!fs::create_directory(early, error))
    throw StorageError(
        text((parent / name).string(), ": cannot create this folder; name another place by --directory"));
  mine_ = early;
  lock_ = locked(early / kLock, O_CREAT);
  fs::rename(early, parent / name, error);
  if (error) throw StorageError(text((parent / name).string(), ": cannot be made: ", error.message()));
  mine_ = parent / name;
}

SharedFolder::~SharedFolder() {
  std::error_code error;
  if (!mine_.empty()) fs::remove_all(mine_, error);
}

}  // namespace isobath
