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

/// Whose time a span is: what the thread itself does, or what goes on beside it.
enum class SpanRow : std::uint8_t { Compute, Communication };

/// One stretch of time, from and to nanoseconds of the steady clock. Spans of the compute row nest.
struct Span {
  const char* name = "";
  Work work = Work::Other;
  Direction direction = Direction::Forward;
  SpanRow row = SpanRow::Compute;
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

/// Whether a clock keeps every span beside the sums.
enum class KeepSpans { No, Yes };

/// Listens to the ops of the thread that made it, one at a time, until it goes.
class OpClock {
 public:
  explicit OpClock(KeepSpans keep = KeepSpans::No);
  ~OpClock();
  OpClock(const OpClock&) = delete;
  OpClock& operator=(const OpClock&) = delete;

  /// In the order in which each was first seen.
  const std::vector<OpTime>& times() const { return times_; }
  OpTime& of(const char* op);
  /// In the order in which they ended; empty unless they are kept.
  const std::vector<Span>& spans() const { return spans_; }
  /// Keeps a span under the category and direction in force, if spans are kept.
  void add_span(const char* name, SpanRow row, std::int64_t begin, std::int64_t end);

 private:
  KeepSpans keep_;
  std::vector<OpTime> times_;
  std::vector<Span> spans_;
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

/// Keeps the span from here to the end of the scope, under `name` (a literal), where a clock keeps spans. It is no op:
/// the sums leave it out.
class SpanScope {
 public:
  explicit SpanScope(const char* name);
  ~SpanScope();
  SpanScope(const SpanScope&) = delete;
  SpanScope& operator=(const SpanScope&) = delete;

 private:
  const char* name_;
  std::int64_t begun_;
};

/// Keeps a span that has ended, in nanoseconds of the steady clock, where a clock keeps spans.
void note_span(const char* name, SpanRow row, std::int64_t begin, std::int64_t end);

/// Adds to the bytes that `op` moves.
void count_bytes(const char* op, std::size_t bytes);

}  // namespace isobath
