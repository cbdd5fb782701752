#include "parallel/thread_ranks.hpp"

#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "ops/autograd/tape.hpp"
#include "ops/core/threads.hpp"
#include "parallel/transport/queued_communicator.hpp"
#include "parallel/transport/thread_transport.hpp"

namespace isobath {
namespace {

// The first error that is nobody else's: a rank whose peer has gone may notice before that peer has told its own.
class FirstError {
 public:
  /// For use in catch blocks. Returns the code of the error that is being handled.
  ExitCode keep_current() {
    ExitCode code = ExitCode::Internal;
    bool is_consequence = false;
    try {
      throw;
    } catch (const Error& error) {
      code = error.code();
      is_consequence = code == ExitCode::PeerLost;
    } catch (...) {
    }
    const std::lock_guard lock(mutex_);
    if (!error_ || (kept_consequence_ && !is_consequence)) {
      error_ = std::current_exception();
      kept_consequence_ = is_consequence;
    }
    return code;
  }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr error_;
  bool kept_consequence_ = false;
};

}  // namespace

void run_ranks(ThreadRanks ranks, const std::function<void(Communicator&)>& body) {
  const auto group = make_thread_group(ranks.count);
  FirstError first;
  const auto run = [&](int rank) {
    set_kernel_threads(1);
    QueuedCommunicator communicator(std::make_shared<CommThread>(), make_thread_transport(group, rank), ranks.check);
    try {
      body(communicator);
    } catch (...) {
      communicator.abort(first.keep_current());
      clear_tape();  // what the failed step recorded holds tensors of this thread
    }
  };
  std::vector<std::thread> threads;
  for (int rank = 0; rank < ranks.count; ++rank) threads.emplace_back(run, rank);
  for (std::thread& thread : threads) thread.join();
  first.rethrow();
}

}  // namespace isobath
