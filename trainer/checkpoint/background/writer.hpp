#pragma once
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "trainer/checkpoint/together.hpp"

namespace isobath {

/// A thread that does one job at a time, so that training need not wait for a disk. It takes no signals: they are for
/// the thread that trains.
class Writer {
 public:
  Writer();
  /// Waits for the job that runs, if any.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Starts `job`, which talks to no other rank. The one before must have ended.
  void start(std::function<std::string()> job);
  /// What came of the last job; nothing while it runs. Empty success before the first.
  std::optional<Outcome> outcome() const;
  /// The same, when it has ended.
  Outcome wait() const;

 private:
  void serve();

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::function<std::string()> job_;  // while one waits or runs
  Outcome outcome_;
  bool ends_ = false;
  std::thread thread_;
};

}  // namespace isobath
