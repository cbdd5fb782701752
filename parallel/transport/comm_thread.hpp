#pragma once
// The thread that carries out collectives while the rank computes: without it a collective makes no progress until
// somebody waits for it.

#include <functional>
#include <memory>

#include "parallel/transport/collective.hpp"
#include "parallel/transport/collective_ring.hpp"

namespace isobath {

/// Runs jobs one after the other, in the order in which they were given. The first job that throws ends the service:
/// its error is also that of every later job, none of which runs. Signals go to the other threads.
class CommThread {
 public:
  CommThread();
  /// Runs what was given, then ends the thread.
  ~CommThread();
  CommThread(const CommThread&) = delete;
  CommThread& operator=(const CommThread&) = delete;

  Collective run(std::function<void()> job);
  /// Destroys `owned` on the thread, after the jobs given so far.
  void retire(std::shared_ptr<void> owned);
  /// Notes of the collectives that the thread carries out.
  const std::shared_ptr<CollectiveRing>& ring() const { return ring_; }

 private:
  struct State;
  std::shared_ptr<State> state_;
  std::shared_ptr<CollectiveRing> ring_ = std::make_shared<CollectiveRing>();
};

}  // namespace isobath
