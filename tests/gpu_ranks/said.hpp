#pragma once
#include <cstdio>
#include <memory>
#include <string>

#include <unistd.h>

namespace isobath::test {

/// Catches what this process writes to its standard error for as long as it lives.
class Said {
 public:
  Said() : file_(std::tmpfile(), &std::fclose), before_(dup(STDERR_FILENO)) {
    std::fflush(stderr);
    dup2(fileno(file_.get()), STDERR_FILENO);
  }
  ~Said() {
    std::fflush(stderr);
    dup2(before_, STDERR_FILENO);
    close(before_);
  }
  Said(const Said&) = delete;
  Said& operator=(const Said&) = delete;

  /// So far.
  std::string text() const {
    std::fflush(stderr);
    std::string out(static_cast<std::size_t>(lseek(STDERR_FILENO, 0, SEEK_END)), ' ');
    out.resize(static_cast<std::size_t>(pread(fileno(file_.get()), out.data(), out.size(), 0)));
    return out;
  }

 private:
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  int before_;
};

}  // namespace isobath::test
