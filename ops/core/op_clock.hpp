#pragma once
// Where the time of a step goes, by op. Off unless an OpClock lives on the calling thread; then every op reads the
// clock before and after its kernel, which on a CUDA queue is the time of the launch.

#include <chrono>
#include <cstdint>
#include <vector>

#include "ops/core/ledger.hpp"

namespace isobath {

/// What one op took under one category and in one direction.
struct OpTime {
  const char* op = "";
  Work work = Work::Other;
  Direction direction = Direction::Forward;
  std::int64_t calls = 0;
  double seconds = 0.0;
  std::int64_t bytes = 0;  ///< that it has to move to and from memory; 0 for products
};

/// Listens to the ops of the thread that made it, one at a time, until it goes.
class OpClock {
 public:
  OpClock();
  ~OpClock();
  OpClock(const OpClock&) = delete;
  OpClock& operator=(const OpClock&) = delete;

  /// In the order in which each was first seen.
  const std::vector<OpTime>& times() const { return times_; }
  OpTime& of(const char* op);

 private:
  std::vector<OpTime> times_;
};

/// The clock that listens to this thread, or null.
OpClock* op_clock();

/// The time of `op` (a literal) from here to the end of the scope.
class OpScope {
 public:
  explicit OpScope(const char* op) : clock_(op_clock()), op_(op) {
    if (clock_ != nullptr) begun_ = std::chrono::steady_clock::now();
  }
  ~OpScope() {
    if (clock_ != nullptr) end();
  }
  OpScope(const OpScope&) = delete;
  OpScope& operator=(const OpScope&) = delete;

 private:
  void end() noexcept;

  OpClock* clock_;
  const char* op_;
  std::chrono::steady_clock::time_point begun_;
};

/// Adds to the bytes that `op` moves.
void count_bytes(const char* op, std::size_t bytes);

}  // namespace isobath
