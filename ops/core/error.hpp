#pragma once
// Errors say who, what and where; their type says which exit code the process ends with. Only the launcher catches.

#include <sstream>
#include <stdexcept>
#include <string>

namespace isobath {

/// What the process returns; the meaning of each number is part of the product (docs/running.md).
enum class ExitCode {
  Done = 0,
  Usage = 64,
  Data = 65,
  Unavailable = 69,
  Internal = 70,
  Storage = 74,
  Requeue = 75,
  Config = 78,
  PeerLost = 79,
  Stopped = 93,
};

/// The arguments, printed one after the other.
template <class... Args>
std::string text(const Args&... args) {
  std::ostringstream out;
  (out << ... << args);
  return out.str();
}

class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code() const noexcept { return code_; }

 private:
  ExitCode code_;
};

/// A mistake of ours: a shape that cannot be, a call out of order.
struct InternalError : Error {
  explicit InternalError(const std::string& message) : Error(ExitCode::Internal, message) {}
};

/// The user's data cannot be used: missing, empty, truncated, of another kind.
struct DataError : Error {
  explicit DataError(const std::string& message) : Error(ExitCode::Data, message) {}
};

/// Files could not be written or read back: full disk, failed fsync, a damaged checkpoint.
struct StorageError : Error {
  explicit StorageError(const std::string& message) : Error(ExitCode::Storage, message) {}
};

/// A device or library that this build or machine does not have.
struct BackendError : Error {
  explicit BackendError(const std::string& message) : Error(ExitCode::Unavailable, message) {}
};

/// Another rank is gone, hangs or disagrees.
struct PeerError : Error {
  explicit PeerError(const std::string& message) : Error(ExitCode::PeerLost, message) {}
};

/// Throws InternalError(text(args...)) unless `condition` holds. For our own mistakes, never for the user's.
template <class... Args>
void require(bool condition, const Args&... args) {
  if (!condition) [[unlikely]]
    throw InternalError(text(args...));
}

}  // namespace isobath
