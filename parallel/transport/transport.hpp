#pragma once
// What a backend has to offer: point-to-point transfers that every rank enters together. The collectives are built on
// it once, so that ranks that are threads and ranks that are processes run the same algorithm and get the same bits.

#include <cstddef>
#include <memory>
#include <span>

#include "ops/core/error.hpp"

namespace isobath {
class CollectiveRing;
}

namespace isobath {

/// Bytes for rank `peer`.
struct Outgoing {
  int peer;
  const void* data;
  std::size_t bytes;
};

/// Where the bytes of rank `peer` go; the length equals what that rank sends.
struct Incoming {
  int peer;
  void* data;
  std::size_t bytes;
};

/// Called by one thread of each rank (its communication thread), except abort(). Calls block, asleep after a short
/// spin.
class Transport {
 public:
  virtual ~Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// Sends and receives; returns when all of it is done. Every rank makes the same number of calls; at most one message
  /// between two ranks in each direction, none to oneself. Throws PeerError when the group has failed.
  virtual void transfer(std::span<const Outgoing> outgoing, std::span<const Incoming> incoming) = 0;
  /// A transport over the ranks with my color, in the order of their ranks. Every rank calls it.
  virtual std::unique_ptr<Transport> split(int color) = 0;
  /// See Communicator::abort. Any thread.
  virtual void abort(ExitCode code) noexcept = 0;
  /// Peers that a transfer has waited for for more than some milliseconds are noted in `ring`.
  void tell(std::shared_ptr<CollectiveRing> ring) { ring_ = std::move(ring); }

 protected:
  Transport() = default;
  /// May be null.
  CollectiveRing* ring() const { return ring_.get(); }

 private:
  std::shared_ptr<CollectiveRing> ring_;
};

}  // namespace isobath
