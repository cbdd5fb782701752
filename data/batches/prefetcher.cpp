#include "data/batches/prefetcher.hpp"

#include <utility>

namespace isobath {

Prefetcher::Prefetcher(Make make, std::int64_t depth)
    : make_(std::move(make)), depth_(static_cast<std::size_t>(depth)) {
  require(depth >= 1, "a queue of ", depth, " batches");
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

HostBatch Prefetcher::take() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !ready_.empty(); });
  if (ready_.front().error) std::rethrow_exception(ready_.front().error);
  HostBatch batch = std::move(ready_.front().batch);
  ready_.pop_front();
  lock.unlock();
  changed_.notify_all();
  return batch;
}

void Prefetcher::seek(std::int64_t step) {
  {
    const std::lock_guard lock(mutex_);
    ready_.clear();
    next_ = step;
    failed_ = false;
    ++generation_;
  }
  changed_.notify_all();
}

void Prefetcher::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return !failed_ && ready_.size() < depth_; })) {
    const std::int64_t step = next_, generation = generation_;
    lock.unlock();
    Item item = make_item(step);
    lock.lock();
    if (generation != generation_) continue;
    failed_ = item.error != nullptr;
    ready_.push_back(std::move(item));
    ++next_;
    changed_.notify_all();
  }
}

Prefetcher::Item Prefetcher::make_item(std::int64_t step) const noexcept {
  try {
    return {make_(step), nullptr};
  } catch (...) {
    return {{}, std::current_exception()};
  }
}

}  // namespace isobath
