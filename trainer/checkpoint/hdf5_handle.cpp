#include "trainer/checkpoint/hdf5_handle.hpp"

#include <mutex>
#include <type_traits>
#include <utility>

#include <hdf5.h>

#include "ops/core/error.hpp"

namespace isobath {
namespace {

static_assert(std::is_same_v<hid_t, std::int64_t> && std::is_same_v<herr_t, int>);

std::recursive_mutex& library_mutex() {
  static std::recursive_mutex mutex;
  return mutex;
}

// The innermost entry of the library's error stack says most.
herr_t keep_last(unsigned, const H5E_error2_t* entry, void* out) {
  if (entry->desc != nullptr) *static_cast<std::string*>(out) = entry->desc;
  return 0;
}

/// "file write failed: time = ..., errno = 28, error message = 'No space left on device', buf = ..." holds one part
/// that means something to a user.
std::string system_message(const std::string& description) {
  constexpr std::string_view kBefore = "error message = '";
  const auto start = description.find(kBefore);
  if (start == std::string::npos) return description;
  const auto begin = start + kBefore.size();
  return description.substr(begin, description.find('\'', begin) - begin);
}

std::string last_error() {
  std::string description = "no reason given";
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, keep_last, &description);
  return system_message(description);
}

Hdf5Handle access_properties(const std::filesystem::path& path) {
  Hdf5Handle properties(hdf5_check(H5Pcreate(H5P_FILE_ACCESS), "set it up", path), H5Pclose);
  // A handle that is still open makes closing the file an error instead of keeping the file open unseen.
  hdf5_check(H5Pset_fclose_degree(properties.get(), H5F_CLOSE_SEMI), "set it up", path);
  // Best effort: file systems without locks (some Lustre and NFS mounts) are no obstacle.
  hdf5_check(H5Pset_file_locking(properties.get(), true, true), "set it up", path);
  // Without the sieve buffer a small write fails where it is made, not when the file is closed.
  hdf5_check(H5Pset_sieve_buf_size(properties.get(), 0), "set it up", path);
  return properties;
}

}  // namespace

Hdf5Lock::Hdf5Lock() {
  library_mutex().lock();
  // At exit the library would close what a failed write left open, and crash on it: the process would end with 139
  // instead of its code.
  [[maybe_unused]] static const int no_exit_hook = H5dont_atexit();
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

Hdf5Lock::~Hdf5Lock() { library_mutex().unlock(); }

std::int64_t hdf5_check(std::int64_t result, std::string_view what, const std::filesystem::path& path) {
  if (result < 0) throw StorageError(text(path.string(), ": cannot ", what, ": ", last_error()));
  return result;
}

Hdf5Handle::~Hdf5Handle() {
  if (id_ < 0) return;
  const Hdf5Lock lock;
  closer_(id_);
}

Hdf5Handle::Hdf5Handle(Hdf5Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), closer_(other.closer_) {}

Hdf5Handle& Hdf5Handle::operator=(Hdf5Handle&& other) noexcept {
  std::swap(id_, other.id_);
  std::swap(closer_, other.closer_);
  return *this;
}

void Hdf5Handle::close(const std::filesystem::path& path) {
  const Hdf5Lock lock;
  hdf5_check(closer_(std::exchange(id_, -1)), "close it", path);
}

Hdf5Handle hdf5_create_file(const std::filesystem::path& path, std::size_t user_block) {
  const Hdf5Lock lock;
  const Hdf5Handle access = access_properties(path);
  const Hdf5Handle creation(hdf5_check(H5Pcreate(H5P_FILE_CREATE), "set it up", path), H5Pclose);
  hdf5_check(H5Pset_userblock(creation.get(), user_block), "set it up", path);
  return {hdf5_check(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.get(), access.get()), "create it", path),
          H5Fclose};
}

Hdf5Handle hdf5_open_file(const std::filesystem::path& path) {
  const Hdf5Lock lock;
  const Hdf5Handle access = access_properties(path);
  return {hdf5_check(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()), "open it as HDF5", path), H5Fclose};
}

}  // namespace isobath
