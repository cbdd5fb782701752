#pragma once
// The ranks of one host look after each other: one that dies takes the others along within seconds, instead of leaving
// them in a collective until somebody kills them.

#include <memory>

#include "parallel/communicator.hpp"

namespace isobath {

/// While it lives, the end of another rank's process on this host ends this one: one line on standard error by the
/// lowest rank that is left, and abort(79), after the launcher had a moment to learn which rank was first. Ranks on
/// other hosts are the launcher's business. Destroy it on every rank before any may end in order.
class PeerWatch {
 public:
  /// Collective; `ranks` outlives it.
  explicit PeerWatch(Communicator& ranks);
  ~PeerWatch();
  PeerWatch(const PeerWatch&) = delete;
  PeerWatch& operator=(const PeerWatch&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace isobath
