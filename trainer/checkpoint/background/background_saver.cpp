#include "trainer/checkpoint/background/background_saver.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>

#include "ops/core/error.hpp"
#include "ops/core/stop.hpp"
#include "parallel/exchange.hpp"
#include "trainer/checkpoint/manifest/digest.hpp"
#include "trainer/checkpoint/saving/commit.hpp"
#include "trainer/checkpoint/saving/plan.hpp"
#include "trainer/checkpoint/saving/report.hpp"
#include "trainer/checkpoint/storage/shard.hpp"
#include "trainer/checkpoint/storage/step_directory.hpp"

namespace isobath {
namespace {

// Between two looks at whether to wait on for the next attempt.
constexpr std::chrono::milliseconds kLook{20};

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + '\0';
  return out;
}

std::vector<std::string> parted(const std::string& joined) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < joined.size();) {
    const auto end = joined.find('\0', at);
    lines.push_back(joined.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

}  // namespace

double Retries::seconds_after(int failures) const {
  return std::min(std::ldexp(wait, failures - 1), std::max(wait, kLongestWait));
}

BackgroundSaver::BackgroundSaver(std::filesystem::path root, Retries retries, Communicator& ranks, SaveHooks hooks)
    : root_(std::move(root)), retries_(retries), ranks_(ranks), hooks_(std::move(hooks)) {}

void BackgroundSaver::reserve(std::span<const NamedTensor> tensors) {
  const Manifest plan = describe({}, tensors, ranks_.size());
  snapshot_.reserve(total_bytes(bytes_to_write(plan.tensors, tensors, ranks_.rank(), ranks_.size())));
}

void BackgroundSaver::request(const TrainingState& state, std::span<const NamedTensor> tensors) {
  require(!is_saving(), "a save was requested while one is under way");
  plan_ = describe(state, tensors, ranks_.size());
  directory_ = root_ / step_name(state.step);
  snapshot_.take(bytes_to_write(plan_.tensors, tensors, ranks_.rank(), ranks_.size()));
  failures_ = 0;
  enter(Phase::Prepare);
}

SaveVotes BackgroundSaver::votes() const {
  if (!is_saving()) return {};
  const std::optional<Outcome> mine = writer_.outcome();
  if (!mine) return {};
  return mine->error ? SaveVotes{.failed = 1} : SaveVotes{.done = 1};
}

std::optional<SaveNews> BackgroundSaver::after_step(SaveVotes of_all) {
  if (!is_saving() || of_all.done + of_all.failed < ranks_.size()) return std::nullopt;
  return next_phase();
}

std::optional<SaveNews> BackgroundSaver::wait() {
  std::optional<SaveNews> news;
  while (is_saving() && !news) {
    writer_.wait();
    news = next_phase();
  }
  return news;
}

void BackgroundSaver::enter(Phase phase) {
  phase_ = phase;
  writer_.start([this, phase] { return work(phase); });
}

std::optional<SaveNews> BackgroundSaver::next_phase() {
  std::vector<std::string> results;
  try {
    results = settle(ranks_, "saving " + directory_.string(), writer_.wait());
  } catch (const StorageError& error) {
    return failed(error.what());
  }
  switch (phase_) {
    case Phase::Prepare:
      enter(Phase::Write);
      return std::nullopt;
    case Phase::Write:
      reports_ = std::move(results);
      enter(Phase::Commit);
      return std::nullopt;
    default:
      phase_ = Phase::None;
      return SaveNews{SaveNews::Kind::Durable, directory_, {}, 0.0, parted(results[0])};
  }
}

std::optional<SaveNews> BackgroundSaver::failed(const std::string& error) {
  if (failures_ < retries_.count) {
    ++failures_;
    enter(Phase::Prepare);
    return SaveNews{SaveNews::Kind::Retrying, directory_, error, retries_.seconds_after(failures_), {}};
  }
  phase_ = Phase::None;
  return SaveNews{SaveNews::Kind::GivenUp, directory_, error, 0.0, {}};
}

std::string BackgroundSaver::work(Phase phase) {
  if (phase == Phase::Write) return write();
  if (ranks_.rank() != 0) return {};
  return phase == Phase::Prepare ? prepare() : commit_all();
}

void BackgroundSaver::pause() const {
  using Clock = std::chrono::steady_clock;
  const auto due = Clock::now() + std::chrono::duration<double>(retries_.seconds_after(failures_));
  while (Clock::now() < due && !stop_requested()) {
    if (ends_.load()) throw StorageError(directory_.string() + ": the run ends before the next attempt");
    std::this_thread::sleep_for(kLook);
  }
}

std::string BackgroundSaver::prepare() {
  if (failures_ > 0) pause();
  if (hooks_.before_shards) hooks_.before_shards();
  make_ready(root_, plan_);
  return {};
}

std::string BackgroundSaver::write() {
  const ShardReport report = write_shard(directory_, plan_.tensors, snapshot_.pieces(), ranks_.rank(), ranks_.size());
  return outline(plan_) + pack(report);
}

std::string BackgroundSaver::commit_all() {
  Manifest manifest = plan_;
  const std::string mine = outline(plan_);
  for (int rank = 0; rank < ranks_.size(); ++rank) {
    const std::string& report = reports_[static_cast<std::size_t>(rank)];
    require(report.starts_with(mine), "rank ", rank, " has other tensors or another step than rank 0");
    unpack(report.substr(mine.size()), rank, manifest);
  }
  std::vector<std::string> remarks = commit(root_, manifest);
  if (hooks_.after_commit)
    for (std::string& problem : hooks_.after_commit()) remarks.push_back(std::move(problem));
  return joined(remarks);
}

}  // namespace isobath
