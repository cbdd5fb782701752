#pragma once
// One owner for a POSIX file descriptor.

#include <utility>

#include <unistd.h>

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
  int close() noexcept { return ::close(std::exchange(number_, -1)); }

 private:
  void close_quietly() noexcept {
    if (is_open()) close();
  }
  int number_ = -1;
};

}  // namespace isobath
