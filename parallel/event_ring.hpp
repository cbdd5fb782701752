#pragma once
// When things happened in the last steps of one rank: shows whether communication and computation overlap.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ops/core/steady_clock.hpp"

namespace isobath {

enum class EventKind : std::uint8_t {
  BackwardOp,      ///< an op has run backward
  BucketReady,     ///< all gradients of a bucket are complete
  ReduceStarted,   ///< the communication thread took a bucket up
  ReduceFinished,  ///< and was done with it
  Wait,            ///< the step begins to wait for a bucket
};
const char* name_of(EventKind kind);

struct Event {
  std::int64_t time = 0;  ///< nanoseconds of the steady clock
  EventKind kind = EventKind::BackwardOp;
  const char* name = "";   ///< a literal: the op's name
  std::int64_t index = 0;  ///< the bucket
};

/// Keeps the last `capacity` events. Belongs to one thread; what other threads did is recorded with the time they
/// noted.
class EventRing {
 public:
  explicit EventRing(std::size_t capacity);

  void record(EventKind kind, const char* name, std::int64_t index = 0) {
    record({nanoseconds_now(), kind, name, index});
  }
  void record(const Event& event);
  /// What is kept, by time.
  std::vector<Event> events() const;
  void clear() { recorded_ = 0; }

 private:
  std::vector<Event> events_;
  std::size_t recorded_ = 0;
};

/// Records every op that runs backward on this thread while it lives. One per thread.
class RecordBackward {
 public:
  explicit RecordBackward(EventRing& ring);
  ~RecordBackward();
  RecordBackward(const RecordBackward&) = delete;
  RecordBackward& operator=(const RecordBackward&) = delete;
};

}  // namespace isobath
