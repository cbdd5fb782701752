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

class FirstError {
 public:
  void set(std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = std::move(error);
  }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr error_;
};

ExitCode code_of_current_exception() {
  try {
    throw;
  } catch (const Error& error) {
    return error.code();
  } catch (...) {
    return ExitCode::Internal;
  }
}

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
      first.set(std::current_exception());
      communicator.abort(code_of_current_exception());
      clear_tape();  // what the failed step recorded holds tensors of this thread
    }
  };
  std::vector<std::thread> threads;
  for (int rank = 0; rank < ranks.count; ++rank) threads.emplace_back(run, rank);
  for (std::thread& thread : threads) thread.join();
  first.rethrow();
}

}  // namespace isobath
