#include "parallel/transport/thread_transport.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "parallel/transport/collective_ring.hpp"
#include "parallel/transport/collectives.hpp"

namespace isobath {
namespace {

// A wait that lasts longer is worth a note; also how long such a note may lag behind.
constexpr std::chrono::milliseconds kMissingAfter{20};

}  // namespace

class ThreadGroup {
 public:
  explicit ThreadGroup(int size)
      : outboxes_(static_cast<std::size_t>(size)), seen_(static_cast<std::size_t>(size), 0) {}

  int size() const { return static_cast<int>(outboxes_.size()); }

  void transfer(int rank, std::span<const Outgoing> outgoing, std::span<const Incoming> incoming,
                CollectiveRing* ring) {
    std::unique_lock lock(mutex_);
    meet(lock, rank, outgoing, ring);
    lock.unlock();
    const std::string mistake = copy_all(rank, incoming);
    lock.lock();
    // Everybody stays until the last copy is made, even if the group breaks now: buffers are being read.
    if (--copying_ == 0)
      changed_.notify_all();
    else
      changed_.wait(lock, [&] { return copying_ == 0; });
    require(mistake.empty(), mistake);
  }

  // The group of the ranks with `color`, which has `size` of them; the first caller makes it.
  std::shared_ptr<ThreadGroup> part(int color, int size) {
    const std::lock_guard lock(mutex_);
    auto& group = forming_[color];
    if (!group) {
      group = std::make_shared<ThreadGroup>(size);
      parts_.push_back(group);
      if (!broken_.empty()) group->break_up(broken_);
    }
    return group;
  }
  void forget_parts() {
    const std::lock_guard lock(mutex_);
    forming_.clear();
  }

  void break_up(const std::string& why) {
    std::vector<std::shared_ptr<ThreadGroup>> parts;
    {
      const std::lock_guard lock(mutex_);
      if (broken_.empty()) broken_ = why;
      for (const auto& part : parts_)
        if (auto alive = part.lock()) parts.push_back(std::move(alive));
    }
    changed_.notify_all();
    for (const auto& part : parts) part->break_up(why);
  }

  void leave(int rank) {
    {
      const std::lock_guard lock(mutex_);
      if (broken_.empty()) broken_ = text("rank ", rank, " has left");
    }
    changed_.notify_all();
  }

 private:
  void meet(std::unique_lock<std::mutex>& lock, int rank, std::span<const Outgoing> outgoing, CollectiveRing* ring) {
    if (!broken_.empty()) throw PeerError(broken_);
    outboxes_[static_cast<std::size_t>(rank)] = outgoing;
    const std::uint64_t meeting = meetings_;
    seen_[static_cast<std::size_t>(rank)] = meeting + 1;
    if (++arrived_ == size()) {
      arrived_ = 0;
      copying_ = size();
      ++meetings_;
      changed_.notify_all();
      return;
    }
    const auto is_over = [&] { return meetings_ != meeting || !broken_.empty(); };
    while (!changed_.wait_for(lock, kMissingAfter, is_over))
      if (ring != nullptr) ring->set_missing(missing_from(meeting));
    if (ring != nullptr) ring->set_missing({});
    if (meetings_ == meeting) throw PeerError(broken_);
  }

  std::vector<int> missing_from(std::uint64_t meeting) const {
    std::vector<int> missing;
    for (int rank = 0; rank < size(); ++rank)
      if (seen_[static_cast<std::size_t>(rank)] <= meeting) missing.push_back(rank);
    return missing;
  }

  // What was wrong, or nothing: errors wait until all copies are made.
  std::string copy_all(int rank, std::span<const Incoming> incoming) const {
    for (const Incoming& to : incoming) {
      const auto outbox = outboxes_[static_cast<std::size_t>(to.peer)];
      const auto from = std::find_if(outbox.begin(), outbox.end(), [&](const Outgoing& o) { return o.peer == rank; });
      if (from == outbox.end() || from->bytes != to.bytes)
        return text("rank ", rank, " expects ", to.bytes, " bytes from rank ", to.peer, ", which sends ",
                    from == outbox.end() ? 0 : from->bytes);
      if (to.bytes > 0) std::memcpy(to.data, from->data, to.bytes);
    }
    return {};
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::span<const Outgoing>> outboxes_;  // by rank, for the meeting under way
  std::vector<std::uint64_t> seen_;                  // by rank: meetings it has come to
  int arrived_ = 0;
  int copying_ = 0;
  std::uint64_t meetings_ = 0;
  std::string broken_;  // why; empty while the group is whole
  std::map<int, std::shared_ptr<ThreadGroup>> forming_;
  std::vector<std::weak_ptr<ThreadGroup>> parts_;
};

namespace {

class ThreadTransport final : public Transport {
 public:
  ThreadTransport(std::shared_ptr<ThreadGroup> group, int rank) : group_(std::move(group)), rank_(rank) {}
  ~ThreadTransport() override { group_->leave(rank_); }

  int rank() const override { return rank_; }
  int size() const override { return group_->size(); }
  void transfer(std::span<const Outgoing> outgoing, std::span<const Incoming> incoming) override {
    group_->transfer(rank_, outgoing, incoming, ring());
  }
  std::unique_ptr<Transport> split(int color) override {
    std::vector<std::int32_t> colors(static_cast<std::size_t>(size()));
    collectives::all_gather(*this, {&color, 1, DType::I32}, MutableBuffer::of(colors));
    const auto members = static_cast<int>(std::count(colors.begin(), colors.end(), color));
    const auto place = static_cast<int>(std::count(colors.begin(), colors.begin() + rank_, color));
    auto group = group_->part(color, members);
    collectives::barrier(*this);  // everybody has its part before the next split may form others
    group_->forget_parts();
    collectives::barrier(*this);
    return std::make_unique<ThreadTransport>(std::move(group), place);
  }
  void abort(ExitCode code) noexcept override {
    group_->break_up(text("rank ", rank_, " ended the job with exit code ", static_cast<int>(code)));
  }

 private:
  std::shared_ptr<ThreadGroup> group_;
  int rank_;
};

}  // namespace

std::shared_ptr<ThreadGroup> make_thread_group(int size) {
  require(size > 0, size, " ranks");
  return std::make_shared<ThreadGroup>(size);
}

std::unique_ptr<Transport> make_thread_transport(std::shared_ptr<ThreadGroup> group, int rank) {
  require(rank >= 0 && rank < group->size(), "rank ", rank, " of ", group->size());
  return std::make_unique<ThreadTransport>(std::move(group), rank);
}

}  // namespace isobath
