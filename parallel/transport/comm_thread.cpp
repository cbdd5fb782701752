#include "parallel/transport/comm_thread.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include <pthread.h>

#include "ops/core/steady_clock.hpp"
#include "parallel/transport/without_signals.hpp"

namespace isobath {
namespace {

// Longer than a small collective between idle ranks takes, shorter than anything a core should be kept busy for.
constexpr std::int64_t kSpinNanoseconds = 20'000;

class Job final : public PendingCollective {
 public:
  explicit Job(std::function<void()> body) : body_(std::move(body)) {}

  // `failure` is that of the thread: set by the first job that throws.
  void run(std::exception_ptr& failure) {
    times_.started = nanoseconds_now();
    if (!failure) {
      try {
        body_();
      } catch (...) {
        failure = std::current_exception();
      }
    }
    body_ = nullptr;
    times_.finished = nanoseconds_now();
    error_ = failure;
    const std::lock_guard lock(mutex_);
    done_.store(true, std::memory_order_release);
    ended_.notify_all();
  }

  void await() noexcept override {
    for (const std::int64_t begin = nanoseconds_now(); nanoseconds_now() - begin < kSpinNanoseconds;)
      if (done_.load(std::memory_order_acquire)) return;
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [&] { return done_.load(std::memory_order_acquire); });
  }
  void rethrow() const override {
    if (error_) std::rethrow_exception(error_);
  }
  CollectiveTimes times() const override { return times_; }

 private:
  std::function<void()> body_;
  CollectiveTimes times_;
  std::exception_ptr error_;
  std::atomic<bool> done_{false};
  std::mutex mutex_;
  std::condition_variable ended_;
};

}  // namespace

struct CommThread::State {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::shared_ptr<Job>> jobs;
  bool closing = false;
  std::thread thread;

  void push(std::shared_ptr<Job> job) {
    {
      const std::lock_guard lock(mutex);
      jobs.push_back(std::move(job));
    }
    changed.notify_one();
  }

  void serve() {
    std::exception_ptr failure;
    for (;;) {
      std::shared_ptr<Job> job;
      {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return closing || !jobs.empty(); });
        if (jobs.empty()) return;
        job = std::move(jobs.front());
        jobs.pop_front();
      }
      job->run(failure);
    }
  }
};

CommThread::CommThread() : state_(std::make_shared<State>()) {
  const WithoutSignals scope;
  state_->thread = std::thread([state = state_] { state->serve(); });
  pthread_setname_np(state_->thread.native_handle(), "isobath-comm");
}

CommThread::~CommThread() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->closing = true;
  }
  state_->changed.notify_one();
  state_->thread.join();
}

Collective CommThread::run(std::function<void()> job) {
  auto pending = std::make_shared<Job>(std::move(job));
  state_->push(pending);
  return Collective(std::move(pending));
}

void CommThread::retire(std::shared_ptr<void> owned) {
  // A job lets go of what it holds when it is over, whether it ran or not.
  state_->push(std::make_shared<Job>([owned = std::move(owned)] {}));
}

}  // namespace isobath
