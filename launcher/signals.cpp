#include "launcher/signals.hpp"

#include <array>
#include <csignal>
#include <cstddef>
#include <initializer_list>
#include <string_view>
#include <thread>

#include <pthread.h>
#include <unistd.h>

#include "ops/core/error.hpp"
#include "ops/core/stop.hpp"

namespace isobath {
namespace {

// What a shell reports for a program that INT has ended.
constexpr int kInterrupted = 128 + SIGINT;
constexpr std::string_view kAfterInterrupt = "\nsaving and ending; interrupt again to end at once\n";
// Wakes the main thread; ignored by default, and no use is known to this program.
constexpr int kNudge = SIGURG;
constexpr timespec kBetweenNudges{0, 100'000'000};

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGUSR2, SIGUSR1, SIGTERM, SIGINT}) sigaddset(&set, signal);
  return set;
}

void take(int signal, bool& interrupted) {
  if (signal == SIGINT) {
    if (interrupted) ::_exit(kInterrupted);
    interrupted = true;
    // A closed terminal is no reason to do anything else.
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kAfterInterrupt.data(), kAfterInterrupt.size());
  }
  request_stop();
}

// After TERM mpirun leaves the terminal unread that it gave to the ranks. A write that waits for it ends with EINTR.
void serve(pthread_t main) {
  const sigset_t set = stop_signals();
  bool interrupted = false;
  for (;;) {
    const int signal = stop_requested() ? sigtimedwait(&set, nullptr, &kBetweenNudges) : sigwaitinfo(&set, nullptr);
    if (signal > 0)
      take(signal, interrupted);
    else if (stop_requested())
      pthread_kill(main, kNudge);
  }
}

// Not on the thread's own stack: matrix kernels that were generated at run time keep numbers below the 128 bytes under
// the stack pointer that a signal leaves alone.
void let_nudges_in() {
  static std::array<std::byte, 1 << 16> stack;
  const stack_t other{stack.data(), 0, stack.size()};
  require(sigaltstack(&other, nullptr) == 0, "sigaltstack fails");
  struct sigaction action = {};
  action.sa_handler = [](int) {};
  action.sa_flags = SA_ONSTACK;
  require(sigaction(kNudge, &action, nullptr) == 0, "sigaction refuses signal ", kNudge);
}

}  // namespace

void stop_on_signals() {
  const sigset_t set = stop_signals();
  // Threads inherit this: no kernel is ever interrupted.
  require(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0, "signals cannot be blocked");
  let_nudges_in();
  std::thread(serve, pthread_self()).detach();
}

}  // namespace isobath
