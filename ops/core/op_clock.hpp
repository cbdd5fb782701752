#pragma once
// Where the time of a step goes, by op. Off unless an OpClock lives on the calling thread; then every op reads the
// clock before and after its kernel: its own, or that of the CUDA device on which the kernel runs.

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "ops/core/device.hpp"
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

/// One stretch of the host's time, which for work on a CUDA device is what queueing it took, from and to nanoseconds of
/// the steady clock. Spans of the compute row nest.
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

  /// In the order in which each was first seen. Ops on a CUDA device have their seconds when settle() has been called.
  const std::vector<OpTime>& times() const { return times_; }
  /// Waits for the CUDA device if there were ops on it.
  void settle();
  OpTime& of(const char* op);
  /// In the order in which they ended; empty unless they are kept.
  const std::vector<Span>& spans() const { return spans_; }
  /// Keeps a span under the category and direction in force, if spans are kept.
  void add_span(const char* name, SpanRow row, std::int64_t begin, std::int64_t end);

  /// An op begins on a CUDA device; end_on_device() of what is returned ends it, and logs what goes wrong.
  std::size_t begin_on(Device device, const char* op);
  void end_on_device(std::size_t begun) noexcept;

 private:
  struct OnDevice;

  KeepSpans keep_;
  std::vector<OpTime> times_;
  std::vector<Span> spans_;
  std::vector<OnDevice> on_device_;
};

/// The clock that listens to this thread, or null.
OpClock* op_clock();

/// The time of `op` (a literal) from here to the end of the scope, or of what is queued on `device` meanwhile.
class OpScope {
 public:
  explicit OpScope(const char* op, Device device = Device::cpu()) : clock_(op_clock()), op_(op) {
    if (clock_ != nullptr) begin(device);
  }
  ~OpScope() {
    if (clock_ != nullptr) end();
  }
  OpScope(const OpScope&) = delete;
  OpScope& operator=(const OpScope&) = delete;

 private:
  static constexpr std::size_t kOnHost = ~std::size_t{0};

  void begin(Device device);
  void end() noexcept;

  OpClock* clock_;
  const char* op_;
  std::size_t on_device_ = kOnHost;
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
