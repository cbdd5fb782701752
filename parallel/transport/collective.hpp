#pragma once
// The handle of a collective that is under way.

#include <cstdint>
#include <memory>

#include "ops/core/queue.hpp"

namespace isobath {

/// Steady-clock nanoseconds at which the communication thread took a collective up and was done with it.
struct CollectiveTimes {
  std::int64_t started = 0;
  std::int64_t finished = 0;
};

/// Seconds that the calling thread has spent waiting for collectives so far: communication that nothing hid.
double collective_wait_seconds();

/// What a backend keeps about one collective.
class PendingCollective {
 public:
  virtual ~PendingCollective() = default;
  /// Blocks, asleep after a short spin, until the collective has ended, well or not.
  virtual void await() noexcept = 0;
  /// Throws what went wrong, if anything did. After await().
  virtual void rethrow() const = 0;
  /// Orders the collective before what `queue` is given from now on; a backend whose host moves the data awaits.
  virtual void order(CudaQueue) { await(); }
  /// Whether await() waits for a device.
  virtual bool is_on_device() const { return false; }
  /// After await().
  virtual CollectiveTimes times() const = 0;
};

/// Move-only. Destroying it without wait() or before() waits too, because the buffers are still in use; what went wrong
/// is then thrown by the communicator's next call.
class [[nodiscard]] Collective {
 public:
  /// One that has ended already.
  Collective() = default;
  explicit Collective(std::shared_ptr<PendingCollective> pending) : pending_(std::move(pending)) {}
  ~Collective();
  Collective(Collective&& other) noexcept = default;
  Collective& operator=(Collective&& other) noexcept;
  Collective(const Collective&) = delete;
  Collective& operator=(const Collective&) = delete;

  /// Blocks the host and counts as a host wait. Throws PeerError if the group failed.
  CollectiveTimes wait();
  /// Orders the result before whatever is queued next. The CPU's queue is the calling thread, which therefore sleeps
  /// until the data is there; this is counted as a host wait only where a device moves the data. Throws PeerError if
  /// the group failed.
  CollectiveTimes before(CpuQueue queue);
  /// The same for a CUDA queue, which costs the host nothing: what goes wrong later is thrown by the communicator's
  /// next call. Throws PeerError if the group has failed already.
  void before(CudaQueue queue);
  /// The same for the calling thread's queue on `device`. The times are those of this call where the device orders by
  /// itself.
  CollectiveTimes before_work_on(Device device);

 private:
  CollectiveTimes finish();

  std::shared_ptr<PendingCollective> pending_;
};

}  // namespace isobath
