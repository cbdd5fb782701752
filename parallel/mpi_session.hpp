#pragma once
// MPI from its start to its end. Only the communication thread ever calls it, so it need not be thread-safe.

#include <memory>

#include "parallel/communicator.hpp"
#include "parallel/transport/call_check.hpp"

namespace isobath {

/// One per process, on the stack of the launcher, which catches errors *inside* its scope: an error that one rank has
/// alone ends in world().abort(code), an agreed one in finish() on every rank and then the code.
class MpiSession {
 public:
  /// Initialises MPI. Throws BackendError if it cannot.
  explicit MpiSession(CallCheck check = kDefaultCallCheck);
  /// finish(), unless an exception passes by: its peers may be gone, so MPI is left as it is and mpirun, seeing a rank
  /// end without MPI_Finalize, ends the others.
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

  /// All ranks of the job.
  Communicator& world();
  /// Waits for every rank and finalises MPI. No communicator of the session is used afterwards.
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace isobath
