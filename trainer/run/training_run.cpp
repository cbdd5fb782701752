#include "trainer/run/training_run.hpp"

#include <algorithm>
#include <cstdio>

#include "ops/core/log.hpp"
#include "ops/core/stop.hpp"
#include "parallel/stopping.hpp"
#include "trainer/checkpoint/catalog/find.hpp"
#include "trainer/checkpoint/hdf5_trace.hpp"
#include "trainer/evaluate/evaluate.hpp"
#include "trainer/evaluate/rules.hpp"
#include "trainer/guard/replicas.hpp"
#include "trainer/guard/restarts.hpp"
#include "trainer/run/device_ranks.hpp"

namespace isobath {

LoaderOptions loader_options(const RunConfig& config, const Communicator& ranks) {
  return {.context = config.model.context,
          .global_batch = config.train.batch,
          .seed = static_cast<std::uint64_t>(config.seed),
          .shard = {ranks.rank(), ranks.size()},
          .prefetch = config.data.prefetch,
          .device = device_of(config.system.device)};
}

std::optional<RouteTrace> trace_of(const DepthConfig& depth) {
  if (depth.policy != DepthPolicy::Replay) return std::nullopt;
  return read_route_trace(depth.replay.trace);
}

std::int64_t evaluation_batch(const RunConfig& config, int ranks) {
  return config.evaluation.batch > 0 ? config.evaluation.batch : std::max<std::int64_t>(1, config.train.batch / ranks);
}

TrainingRun::TrainingRun(const RunSetup& setup, Communicator& ranks)
    : setup_(setup),
      device_ranks_(ranks_on_device(device_of(setup.config.system.device), ranks, setup.config.watchdog)),
      ranks_(device_ranks_ ? *device_ranks_ : ranks),
      paths_(setup.config),
      replica_(setup.config, device_of(setup.config.system.device), ranks.size(),
               on_every_rank(ranks, [&] { return trace_of(setup.config.depth); })),
      trainer_(setup.config, replica_, ranks_),
      loader_(setup.dataset.train, loader_options(setup.config, ranks)),
      spikes_(setup.config.guard) {
  if (setup.dataset.has_validation()) {
    all_windows_ = std::make_unique<ValidationWindows>(setup.dataset.validation, setup.config.model.context);
    some_windows_ = std::make_unique<ValidationWindows>(all_windows_->evenly_spaced(setup.config.evaluation.windows));
  }
  resume();
  SaverLog log;
  if (ranks.rank() == 0) {
    log_ = open_log();
    progress_ = std::make_unique<Progress>(setup.config.train.steps, setup.config.train.log_every);
    log = {.say = [this](const std::string& line) { note(line); }, .sync_metrics = [this] { log_->sync(); }};
  }
  saver_ = std::make_unique<RunSaver>(setup, ranks_, std::move(log));
  saver_->resumed_at(progression_.steps);
}

TrainingRun::~TrainingRun() = default;

bool TrainingRun::resume() {
  const LatestCheckpoint latest = find_latest(paths_.checkpoints(), setup_.config.checkpoint.verify, ranks_);
  for (const SkippedCheckpoint& skipped : latest.skipped)
    if (ranks_.rank() == 0) log_warning(text("skipping ", skipped.directory.string(), ": ", skipped.reason));
  const std::string& start = setup_.config.train.start_from;
  const bool branches = !latest.directory && !start.empty();
  if (!latest.directory && !branches) return false;
  const std::filesystem::path from = branches ? std::filesystem::path(start) : *latest.directory;
  const std::vector<NamedTensor> tensors = training_tensors(replica_.parameters, trainer_.optimizer());
  const std::vector<NamedTensor> host = on_host(tensors);
  progression_ = progression_of(load_checkpoint(from, host, ranks_), setup_);
  copy_back(host, tensors);
  if (branches) progression_.metrics_bytes = 0;  // the file is the other run's
  replica_.parameters.refresh_operands();
  trainer_.resume_at(progression_.steps);
  loader_.seek(progression_.steps + progression_.skipped_batches);
  spikes_.restore(progression_.losses);
  if (ranks_.rank() == 0) log_info(text(branches ? "branching off " : "resuming from ", from.string()));
  return true;
}

std::unique_ptr<RunLog> TrainingRun::open_log() const {
  return std::make_unique<RunLog>(paths_.root, LogPosition{progression_.steps, progression_.metrics_bytes});
}

void TrainingRun::record_routes(std::filesystem::path path) {
  trace_path_ = std::move(path);
  recorder_ = std::make_unique<RouteRecorder>(setup_.config.train.batch, setup_.config.model);
  trainer_.observe(
      [this](const ModelOutput& output, const RoutingContext& context) { recorder_->note(output, context); });
}

void TrainingRun::finish() {
  const std::int64_t steps = setup_.config.train.steps;
  if (progression_.steps >= steps && progression_.validated_step == progression_.steps) {
    note(text("the run is finished: ", progression_.steps, " of ", steps, " steps; raise train.steps to go on"));
    return;
  }
  on_every_rank(ranks_, [this] {
    if (ranks_.rank() == 0)
      note_start(paths_.restarts(), {progression_.steps, ranks_.size()}, setup_.config.guard.max_restarts);
  });
  try {
    leave_if_asked(ranks_, text("at step ", progression_.steps));
    train();
  } catch (const StoppedOnRequest&) {
    if (progression_.steps > 0) save_last();
    throw;
  } catch (const AgreedError& error) {
    if (error.code() == ExitCode::Stopped) finish_save();
    throw;
  }
}

void TrainingRun::finish_save() {
  if (!saver_->is_saving()) return;
  enter(Stage::Checkpoint);
  note("the run ends; first the checkpoint that is under way is finished");
  try {
    saver_->wait();
  } catch (const AgreedError& unsaved) {  // the run ends for another reason, and with that one's code
    if (ranks_.rank() == 0) log_warning(unsaved.what());
  }
}

void TrainingRun::train() {
  const std::int64_t steps = setup_.config.train.steps;
  saver_->prepare(tensors());
  if (progression_.steps < steps) validate_if_due();  // what a run that was stopped had left to do
  enter(Stage::FirstStep);
  while (progression_.steps < steps) {
    StepVotes votes{.stop = stop_requested() ? 1 : 0};
    saver_->vote(votes);
    StepReport report = trainer_.step(loader_.next(), votes, spikes_.limit());
    report.source_tokens = source_tokens();
    after_step(report);
  }
  enter(Stage::Checkpoint);
  saver_->wait();  // HDF5 belongs to the saver's thread until then
  enter(Stage::Step);
  if (recorder_) recorder_->write(trace_path_, ranks_);
  if (progression_.validated_step != progression_.steps) {
    validate_fully();
    saver_->outdated();  // a checkpoint of this step does not know it
  }
  if (setup_.config.checkpoint.at_end) save_last();
}

// From the loader's place alone, so that it is the same after any interruption.
std::vector<std::int64_t> TrainingRun::source_tokens() const {
  if (setup_.dataset.train.mixture.empty()) return {};
  std::vector<std::int64_t> out = loader_.order().given(loader_.step() * setup_.config.train.batch);
  for (std::int64_t& samples : out) samples *= setup_.config.model.context;
  return out;
}

void TrainingRun::after_step(const StepReport& report) {
  progression_.steps = report.step;
  enter(Stage::Step);
  progression_.learning_rate = report.learning_rate;
  progression_.epoch =
      loader_.order().place((report.step + progression_.skipped_batches) * setup_.config.train.batch).epoch;
  progression_.depth = report.depth;
  progression_.gate = report.gate;
  spikes_.note(report.loss);
  progression_.losses = spikes_.losses();
  if (progress_) progress_->show(report);
  if (log_) log_->write(report);
  if (report.is_skipped && after_spike(report) == After::WentBack) return;
  if (report.votes.stop > 0) throw StoppedOnRequest(ranks_, text("at step ", report.step));
  if (is_due(setup_.config.guard.hash_every)) compare_replicas(replicas(), progression_.steps, ranks_);
  const bool is_last = report.step == setup_.config.train.steps;
  if (!is_last) validate_if_due();
  saver_->after_step(report);
  if (is_last || !saver_->is_due(report.step)) return;
  enter(Stage::Checkpoint);
  saver_->save(state(), tensors());
  enter(Stage::Step);
}

std::vector<Replicated> TrainingRun::replicas() const {
  std::vector<Replicated> parts{{"weights", hash_of(replica_.parameters.values())},
                                {"recent losses", hash_of(progression_.losses)}};
  const Optimizer& optimizer = trainer_.optimizer();
  if (optimizer.shard().is_divided()) return parts;
  parts.push_back({"first moments", hash_of(optimizer.first_moment())});
  parts.push_back({"second moments", hash_of(optimizer.second_moment())});
  return parts;
}

TrainingRun::After TrainingRun::after_spike(const StepReport& report) {
  const GuardConfig& guard = setup_.config.guard;
  const std::string what = text("the loss of step ", report.step, ", ", report.loss, ", is a spike (guard.spike_z ",
                                guard.spike_z, "); its update was left out");
  if (guard.on_spike == OnSpike::Stop)
    throw AgreedError(ExitCode::Stopped,
                      what +
                          ". guard.on_spike is stop: look at the data of this step, lower optim.learning_rate, or "
                          "choose skip or roll_back; the run goes on from its last checkpoint",
                      0, ranks_.rank() == 0 ? Voice::Speaks : Voice::Silent);
  if (ranks_.rank() == 0) log_warning(what);
  return guard.on_spike == OnSpike::RollBack ? roll_back(report) : After::GoOn;
}

TrainingRun::After TrainingRun::roll_back(const StepReport& report) {
  const std::int64_t next_batch = report.step + progression_.skipped_batches;
  enter(Stage::Checkpoint);
  saver_->wait();
  if (!resume()) {
    if (ranks_.rank() == 0) log_warning("there is no checkpoint to go back to yet");
    enter(Stage::Step);
    return After::GoOn;
  }
  roll_backs_ = roll_back_step_ == progression_.steps ? roll_backs_ + 1 : 1;
  roll_back_step_ = progression_.steps;
  if (roll_backs_ > setup_.config.guard.roll_backs)
    throw AgreedError(ExitCode::Stopped,
                      text("the run went back to step ", progression_.steps, " ", roll_backs_ - 1,
                           " times and met a spike each time; lower optim.learning_rate, or raise guard.spike_z or "
                           "guard.roll_backs"),
                      0, ranks_.rank() == 0 ? Voice::Speaks : Voice::Silent);
  saver_->resumed_at(progression_.steps);
  progression_.skipped_batches = next_batch - progression_.steps;
  loader_.seek(next_batch);
  if (recorder_) recorder_->forget_from(progression_.steps);
  if (ranks_.rank() == 0) log_ = open_log();
  note(text("went back to step ", progression_.steps, "; ", progression_.skipped_batches,
            " batches are left out so far"));
  enter(Stage::Step);
  return After::WentBack;
}

void TrainingRun::validate_if_due() {
  if (!some_windows_ || !is_due(setup_.config.evaluation.every)) return;
  if (progression_.validated_step == progression_.steps) return;
  report(score(*some_windows_, *replica_.router));
  progression_.validated_step = progression_.steps;
}

Evaluation TrainingRun::score(const ValidationWindows& windows, const Router& rule) {
  return evaluate(replica_, rule, windows, evaluation_batch(setup_.config, ranks_.size()), ranks_,
                  [this] { enter(Stage::Step); });
}

void TrainingRun::report(const Evaluation& score) {
  if (score.rule == replica_.router->rule())
    progression_.best_validation = std::min(progression_.best_validation.value_or(score.loss), score.loss);
  const char* kind = score.is_causal ? "" : ", not causal";
  char line[160];
  std::snprintf(line, sizeof line, "validation at step %lld: loss %.4f over %lld targets (%s%s)",
                static_cast<long long>(progression_.steps), score.loss, static_cast<long long>(score.targets),
                score.rule.c_str(), kind);
  note(line);
  if (log_) log_->write(ValidationReport{progression_.steps, score.rule, score.loss, score.targets});
}

void TrainingRun::validate_fully() {
  if (!all_windows_) {
    note("no validation data: data.validation_fraction is 0 and there is no validation file");
  } else {
    const RuleSet rules = rules_of(replica_, {});
    std::vector<Evaluation> scores{score(*all_windows_, *replica_.router)};
    if (rules.deployable != replica_.router.get()) scores.push_back(score(*all_windows_, *rules.deployable));
    // All of them or, when the run is stopped in between, none: the next start scores them again.
    for (const Evaluation& of_rule : scores) report(of_rule);
  }
  progression_.validated_step = progression_.steps;
}

void TrainingRun::save_last() {
  enter(Stage::Checkpoint);
  saver_->save_last(state(), tensors());
  enter(Stage::Step);
}

TrainingState TrainingRun::state() const {
  Progression now = progression_;
  // Only rank 0's state is written, and only it keeps metrics.
  now.metrics_bytes = log_ ? log_->bytes() : 0;
  return training_state(setup_, now);
}

void TrainingRun::note(const std::string& line) {
  if (progress_) progress_->note(line);
}

}  // namespace isobath
