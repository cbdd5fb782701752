#pragma once
// HDF5's C library behind two types. Debian's build is not thread-safe, so every call is made under one lock.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace isobath {

/// Held around calls of the library; may be taken again by its holder. Also keeps the library from printing.
class Hdf5Lock {
 public:
  Hdf5Lock();
  ~Hdf5Lock();
  Hdf5Lock(const Hdf5Lock&) = delete;
  Hdf5Lock& operator=(const Hdf5Lock&) = delete;
};

/// Returns `result` unless it is negative, which is how every function of the library reports failure. Throws
/// StorageError "PATH: cannot WHAT: REASON"; the reason is the system's where the library knows it.
std::int64_t hdf5_check(std::int64_t result, std::string_view what, const std::filesystem::path& path);

/// One identifier of the library with one owner.
class Hdf5Handle {
 public:
  using Closer = int (*)(std::int64_t);
  Hdf5Handle() = default;
  /// `id` as hdf5_check returned it.
  Hdf5Handle(std::int64_t id, Closer closer) : id_(id), closer_(closer) {}
  /// Closes without looking at the result: only reached unclosed when another error is under way, or after reading.
  ~Hdf5Handle();
  Hdf5Handle(Hdf5Handle&& other) noexcept;
  Hdf5Handle& operator=(Hdf5Handle&& other) noexcept;
  Hdf5Handle(const Hdf5Handle&) = delete;
  Hdf5Handle& operator=(const Hdf5Handle&) = delete;

  std::int64_t get() const { return id_; }
  /// Closes and throws StorageError when that fails: a full disk may show here and nowhere else.
  void close(const std::filesystem::path& path);

 private:
  std::int64_t id_ = -1;
  Closer closer_ = nullptr;
};

/// A new file, or one that is there, opened for reading; with the settings that every file of ours has. The library
/// leaves the first `user_block` bytes of a new file alone: 0, or a power of two from 512 on.
Hdf5Handle hdf5_create_file(const std::filesystem::path& path, std::size_t user_block = 0);
Hdf5Handle hdf5_open_file(const std::filesystem::path& path);

}  // namespace isobath
