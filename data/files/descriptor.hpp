#pragma once
// One owner for a POSIX file descriptor.

#include <filesystem>
#include <utility>

namespace isobath {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() { close_quietly(); }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      close_quietly();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int number() const noexcept { return number_; }
  bool is_open() const noexcept { return number_ >= 0; }
  /// Closes and returns close()'s result: on some file systems a full disk first shows here.
  int close() noexcept;

 private:
  void close_quietly() noexcept {
    if (is_open()) close();
  }
  int number_ = -1;
};

/// Opens a regular file for reading. Throws DataError: missing, unreadable, a directory; with the remedy.
Descriptor open_to_read(const std::filesystem::path& path);

/// Bytes of the open file.
std::size_t size_of_open(const Descriptor& file, const std::filesystem::path& path);

}  // namespace isobath
