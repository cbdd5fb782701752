#pragma once
// Streams and events with one owner each.

#include <memory>
#include <type_traits>

#include <cuda_runtime.h>

#include "ops/core/queue.hpp"

namespace isobath::cuda {

/// The stream behind a queue.
inline cudaStream_t stream_of(CudaQueue queue) { return static_cast<cudaStream_t>(queue.stream); }

/// The device that calls without a queue go to: that of the queue which the calling thread asked for last.
Device current_device();

struct DestroyStream {
  void operator()(cudaStream_t stream) const noexcept;
};

/// A stream that the legacy default stream does not order. On the device that is current when it is made.
class Stream {
 public:
  Stream();
  CudaQueue queue() const { return {handle_.get()}; }
  /// Blocks the host until all work queued so far has run; the wait is counted.
  void wait() const;

 private:
  std::unique_ptr<std::remove_pointer_t<cudaStream_t>, DestroyStream> handle_;
};

struct DestroyEvent {
  void operator()(cudaEvent_t event) const noexcept;
};

/// Whether an event notes the time at which it passes.
enum class EventClock { No, Yes };

/// A point in the work of a queue.
class Event {
 public:
  explicit Event(EventClock clock = EventClock::No);
  /// The point after everything that `queue` holds now.
  void record(CudaQueue queue) const;
  /// What `queue` is given from now on runs after the recorded point. Costs the host nothing.
  void before(CudaQueue queue) const;
  /// Whether the recorded point has passed, or nothing was recorded. Does not wait.
  bool passed() const;
  /// Blocks the host until the recorded point has passed; the wait is counted.
  void wait() const;
  /// The device's time from `earlier` to here. Both have clocks and have passed.
  double seconds_since(const Event& earlier) const;

 private:
  std::unique_ptr<std::remove_pointer_t<cudaEvent_t>, DestroyEvent> handle_;
};

}  // namespace isobath::cuda
