#pragma once
// Makes batches ahead of their use, in a thread of its own.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

#include "data/batches/batch.hpp"

namespace isobath {

/// Steps are made and taken in order. `make` runs in the thread only, one call at a time. take() and seek() are for one
/// consumer.
class Prefetcher {
 public:
  using Make = std::function<HostBatch(std::int64_t step)>;

  /// At most `depth` >= 1 batches wait for their consumer. Begins with step 0.
  Prefetcher(Make make, std::int64_t depth);
  /// Waits for the batch in work.
  ~Prefetcher() = default;
  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;

  /// The next step's batch; waits for it. Rethrows what `make` threw for that step, again at every call until seek().
  HostBatch take();
  /// The next take() returns `step`. What was made ahead is dropped.
  void seek(std::int64_t step);

 private:
  struct Item {
    HostBatch batch;
    std::exception_ptr error;
  };

  void run(const std::stop_token& stop);
  Item make_item(std::int64_t step) const noexcept;

  const Make make_;
  const std::size_t depth_;
  std::mutex mutex_;  // guards all below
  std::condition_variable_any changed_;
  std::deque<Item> ready_;
  std::int64_t next_ = 0;        // step to be made
  std::int64_t generation_ = 0;  // counts seeks: a batch begun before one is of no use after it
  bool failed_ = false;          // the last item is an error, nothing follows it
  std::jthread thread_;          // last, so that it has ended before what it uses goes away
};

}  // namespace isobath
