#include "trainer/run/run_saver.hpp"

#include <cstdio>

#include "ops/core/log.hpp"
#include "parallel/agreement.hpp"
#include "trainer/checkpoint/catalog/prune.hpp"
#include "trainer/checkpoint/saving/plan.hpp"
#include "trainer/checkpoint/storage/free_space.hpp"
#include "trainer/checkpoint/storage/step_directory.hpp"

namespace isobath {
namespace {

/// With interval auto the first checkpoint comes early: its cost is not known before.
constexpr std::int64_t kStepsToFirst = 10;

SaveHooks hooks(const CheckpointConfig& config, const std::filesystem::path& root, std::function<void()> sync) {
  return {.before_shards = std::move(sync), .after_commit = [&config, root] {
            return prune_checkpoints(root, static_cast<int>(config.keep_last), config.keep_every).problems;
          }};
}

std::string seconds_text(double seconds) {
  char out[32];
  std::snprintf(out, sizeof out, "%.3g s", seconds);
  return out;
}

}  // namespace

bool writes_checkpoints(const CheckpointConfig& config) {
  return config.interval == SaveInterval::Auto || config.every > 0 || config.at_end;
}

RunSaver::RunSaver(const RunSetup& setup, Communicator& ranks, SaverLog log)
    : config_(setup.config.checkpoint),
      ranks_(ranks),
      root_(RunPaths(setup.config).checkpoints()),
      log_(std::move(log)),
      clock_(config_),
      saver_(root_, Retries{static_cast<int>(config_.retries), config_.retry_after}, ranks,
             hooks(config_, root_, log_.sync_metrics)) {}

void RunSaver::prepare(std::span<const NamedTensor> tensors) {
  if (!writes_checkpoints(config_)) return;
  on_every_rank(ranks_, [&] {
    if (ranks_.rank() == 0)
      require_space(root_.parent_path(), 2 * disk_bytes(describe({}, tensors, ranks_.size())),
                    "two checkpoints, the newest and the one before, take");
  });
  saver_.reserve(tensors);
}

void RunSaver::resumed_at(std::int64_t step) { requested_step_ = durable_step_ = step; }

void RunSaver::vote(StepVotes& votes) const {
  const SaveVotes mine = saver_.votes();
  votes.saved = mine.done;
  votes.save_failed = mine.failed;
}

void RunSaver::after_step(const StepReport& report) {
  clock_.step(report.seconds);
  take(saver_.after_step({report.votes.saved, report.votes.save_failed}));
}

bool RunSaver::is_due(std::int64_t step) {
  if (config_.interval == SaveInterval::Steps) return config_.every > 0 && step % config_.every == 0;
  return is_due_by_cost(step);
}

bool RunSaver::is_due_by_cost(std::int64_t step) {
  if (next_look_ < 0) next_look_ = step - 1 + kStepsToFirst;
  if (step < next_look_) return false;
  std::vector<std::int64_t> look{clock_.knows_cost() ? steps_to_next_look(clock_.timing()) : kSaveNow};
  if (saver_.is_saving()) look[0] = 1;  // never two at once
  ranks_.broadcast(MutableBuffer::of(look), Root{0}).wait();
  // A first save that fails tells no cost: then the next one comes as late as it did.
  next_look_ = step + (clock_.knows_cost() ? std::max<std::int64_t>(1, look[0]) : kStepsToFirst);
  return look[0] == kSaveNow;
}

void RunSaver::save(const TrainingState& state, std::span<const NamedTensor> tensors) {
  wait();
  clock_.requested();
  saver_.request(state, tensors);
  const double copying = clock_.seconds_since_request();
  clock_.stalled(copying);
  requested_step_ = state.step;
  say(text("checkpoint of step ", state.step, " requested, copied in ", seconds_text(copying)));
  if (!config_.background) wait();
}

void RunSaver::wait() {
  while (saver_.is_saving()) {
    const double before = clock_.seconds_since_request();
    const std::optional<SaveNews> news = saver_.wait();
    clock_.stalled(clock_.seconds_since_request() - before);
    take(news);
  }
}

void RunSaver::save_last(const TrainingState& state, std::span<const NamedTensor> tensors) {
  is_last_ = true;
  wait();
  if (durable_step_ == state.step) return;
  save(state, tensors);
  wait();
}

void RunSaver::take(const std::optional<SaveNews>& news) {
  if (!news) return;
  const bool speaks = ranks_.rank() == 0;
  switch (news->kind) {
    case SaveNews::Kind::Durable:
      durable_step_ = requested_step_;
      say(text("checkpoint of step ", durable_step_, " durable after ", seconds_text(clock_.durable()), ": ",
               news->directory.string()));
      for (const std::string& remark : news->remarks) log_warning(remark);
      return;
    case SaveNews::Kind::Retrying:
      if (speaks) log_warning(text(news->error, "; trying again in ", seconds_text(news->wait)));
      return;
    case SaveNews::Kind::GivenUp:
      clock_.given_up();
      if (is_last_ || config_.on_failure == OnSaveFailure::Stop) stop(news->error);
      if (speaks)
        log_warning(text(news->error, "; there is no checkpoint of step ", requested_step_,
                         ", older ones are as they were, training goes on"));
      return;
  }
}

void RunSaver::stop(const std::string& error) const {
  throw AgreedError(ExitCode::Storage, error, 0, ranks_.rank() == 0 ? Voice::Speaks : Voice::Silent);
}

void RunSaver::say(const std::string& line) const {
  if (log_.say) log_.say(line);
}

}  // namespace isobath
