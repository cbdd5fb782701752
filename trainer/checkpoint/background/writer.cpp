#include "trainer/checkpoint/background/writer.hpp"

#include <csignal>

#include "ops/core/error.hpp"

namespace isobath {
namespace {

/// Blocks the signals that others send; those that a thread brings upon itself must stay.
void leave_signals_to_others() {
  sigset_t blocked;
  sigfillset(&blocked);
  for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) sigdelset(&blocked, own);
  pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
}

}  // namespace

Writer::Writer() : thread_([this] { serve(); }) {}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Writer::start(std::function<std::string()> job) {
  {
    const std::lock_guard lock(mutex_);
    require(!job_, "a writer was given a job while it has one");
    job_ = std::move(job);
  }
  changed_.notify_all();
}

std::optional<Outcome> Writer::outcome() const {
  const std::lock_guard lock(mutex_);
  if (job_) return std::nullopt;
  return outcome_;
}

Outcome Writer::wait() const {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !job_; });
  return outcome_;
}

void Writer::serve() {
  leave_signals_to_others();
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return ends_ || job_; });
    if (!job_) return;
    lock.unlock();
    Outcome outcome = attempt(job_);  // nobody else touches the job while there is one
    lock.lock();
    outcome_ = std::move(outcome);
    job_ = nullptr;
    changed_.notify_all();
  }
}

}  // namespace isobath
