#include "parallel/mpi_session.hpp"

#include <cstdio>
#include <cstdlib>
#include <exception>

#include <sys/prctl.h>

#include "parallel/mpi_transport.hpp"
#include "parallel/transport/collectives.hpp"
#include "parallel/transport/end_process.hpp"
#include "parallel/transport/queued_communicator.hpp"

namespace isobath {
namespace {

std::shared_ptr<Transport> start_mpi() {
  // A nap of 10 us is otherwise stretched by the default timer slack of 50 us.
  prctl(PR_SET_TIMERSLACK, 1'000UL);
  int provided = 0;
  // FUNNELED: the communication thread initialises MPI, which makes it the one that may call it.
  if (MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS ||
      provided < MPI_THREAD_FUNNELED)
    throw BackendError(
        "MPI cannot be initialised for a process with threads; start isobath by mpirun or srun of the "
        "MPI it was built with, or without either for one rank");
  MPI_Comm own = MPI_COMM_NULL;
  check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &own), "MPI_Comm_dup");
  return std::make_shared<MpiTransport>(own);
}

}  // namespace

struct MpiSession::State {
  std::shared_ptr<CommThread> thread;
  std::shared_ptr<Communicator> world;
  int exceptions = 0;
};

MpiSession::MpiSession(CallCheck check) : state_(std::make_unique<State>()) {
  // Open MPI's yield inside MPI_Test costs a communication thread that polls on a busy core a whole time slice (4 ms
  // instead of 0.3 ms for a small all-reduce). It protects waits that spin, and ours sleep. mpirun sets it for
  // programs of the other kind.
  setenv("OMPI_MCA_mpi_yield_when_idle", "0", 1);
  state_->exceptions = std::uncaught_exceptions();
  state_->thread = std::make_shared<CommThread>();
  std::shared_ptr<Transport> transport;
  state_->thread->run([&] { transport = start_mpi(); }).wait();
  state_->world = std::make_shared<QueuedCommunicator>(state_->thread, std::move(transport), check);
}

Communicator& MpiSession::world() {
  require(state_->world != nullptr, "the MPI session is over");
  return *state_->world;
}

void MpiSession::finish() {
  if (!state_->world) return;
  state_->world->barrier();  // waits asleep; MPI_Finalize would keep a core busy
  state_->world = nullptr;
  state_->thread->run([] { check_mpi(MPI_Finalize(), "MPI_Finalize"); }).wait();
}

MpiSession::~MpiSession() {
  if (std::uncaught_exceptions() > state_->exceptions) {
    static_cast<void>(state_.release());  // the thread may wait in a transfer for a rank that is gone
    return;
  }
  try {
    finish();
  } catch (const Error& error) {
    std::fprintf(stderr, "isobath: %s\n", error.what());
    end_process(error.code());
  }
}

}  // namespace isobath
