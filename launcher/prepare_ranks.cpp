#include "launcher/prepare_ranks.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "data/parts/encoding_order.hpp"
#include "parallel/agreement.hpp"
#include "parallel/exchange.hpp"

namespace isobath {
namespace {

// How far a rank's error and the sum of what is done may lag behind.
constexpr std::chrono::milliseconds kBetweenBeats{100};

/// One rank's share of the parts, on threads beside the one that talks to the other ranks. Its end waits for them.
class Share {
 public:
  Share(EncodingJob job, Communicator& ranks) : job_(std::move(job)) {
    job_.share = {ranks.rank(), ranks.size()};
    job_.stop = stop_.get_token();
    job_.done = [this](std::int64_t bytes) { done_ += bytes; };
    counts_ = std::async(std::launch::async, [this] { return encode(); });
  }
  ~Share() { leave_out_the_rest(); }
  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;

  bool ends_within(std::chrono::milliseconds time) { return counts_.wait_for(time) == std::future_status::ready; }
  std::int64_t done() const { return done_; }
  void leave_out_the_rest() { stop_.request_stop(); }
  /// These two only after the end.
  const std::optional<RankError>& error() const { return error_; }
  std::vector<std::int64_t> counts() { return counts_.get(); }

 private:
  std::vector<std::int64_t> encode() {
    try {
      return encode_parts(job_);
    } catch (...) {
      error_ = current_rank_error();
      return {};
    }
  }

  EncodingJob job_;
  std::stop_source stop_;
  std::atomic<std::int64_t> done_{0};  // bytes
  std::optional<RankError> error_;
  std::future<std::vector<std::int64_t>> counts_;  // last: its end waits for the thread that uses the others
};

/// Every rank's share. All ranks meet several times a second, so that they leave together when one has failed, and rank
/// 0 can tell what they have done. Counts of all parts, on every rank.
std::vector<std::int64_t> encode_together(EncodingJob job, Communicator& ranks) {
  const auto tell = std::exchange(job.done, {});
  Share share(std::move(job), ranks);
  std::int64_t told = 0;
  for (bool some_work = true; some_work;) {
    const bool has_ended = share.ends_within(kBetweenBeats);
    std::array<std::int64_t, 3> beat{share.done(), has_ended && share.error() ? 1 : 0, has_ended ? 0 : 1};
    ranks.all_reduce({beat.data(), beat.size(), DType::I64}, Reduce::Sum).wait();
    const auto [done, failed, working] = beat;
    if (tell && done > told) tell(done - std::exchange(told, done));
    if (failed > 0) share.leave_out_the_rest();
    some_work = working > 0;
  }
  agree_on_error(ranks, share.error());
  std::vector<std::int64_t> counts = share.counts();
  ranks.all_reduce(MutableBuffer::of(counts), Reduce::Sum).wait();
  return counts;
}

/// Rank 0: the whole work. The others wait for one order, which is empty when there is nothing to encode.
PrepareReport lead(const std::function<PrepareOptions()>& options_of, Communicator& ranks) {
  bool is_ordered = false;
  const auto encode = [&](const EncodingJob& job) {
    const std::string order = to_order(job);
    is_ordered = true;
    broadcast_text(ranks, order);
    agree_on_error(ranks, {});
    return encode_together(job, ranks);
  };
  const auto release = [&] {
    if (!std::exchange(is_ordered, true)) broadcast_text(ranks, {});
  };
  try {
    PrepareOptions options = options_of();
    options.encode = encode;
    PrepareReport report = prepare(options);
    release();
    return report;
  } catch (...) {
    release();
    throw;
  }
}

std::unique_ptr<OrderedJob> open(const std::string& order, int rank) {
  try {
    return std::make_unique<OrderedJob>(order);
  } catch (const Error& error) {
    throw Error(error.code(), text("rank ", rank, ": ", error.what()));
  }
}

void help(int threads, Communicator& ranks) {
  const std::string order = broadcast_text(ranks, {});
  if (order.empty()) return;
  const auto received = on_every_rank(ranks, [&] { return open(order, ranks.rank()); });
  EncodingJob job = received->job();
  job.threads = threads;
  encode_together(std::move(job), ranks);
}

}  // namespace

PrepareReport prepare_on_ranks(const std::function<PrepareOptions()>& options, int threads, Communicator& ranks) {
  const auto all_options = [&] {
    PrepareOptions out = options();
    out.threads = threads;
    return out;
  };
  if (ranks.size() == 1) return prepare(all_options());
  return on_every_rank(ranks, [&] {
    if (ranks.rank() == 0) return lead(all_options, ranks);
    help(threads, ranks);
    return PrepareReport();
  });
}

}  // namespace isobath
