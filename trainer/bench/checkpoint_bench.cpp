#include "trainer/bench/checkpoint_bench.hpp"

#include <algorithm>
#include <cstring>

#include "ops/core/log.hpp"
#include "parallel/agreement.hpp"
#include "parallel/stopping.hpp"
#include "trainer/bench/measuring.hpp"
#include "trainer/bench/plain_file.hpp"
#include "trainer/bench/shared_folder.hpp"
#include "trainer/checkpoint/background/background_saver.hpp"
#include "trainer/checkpoint/checkpoint.hpp"
#include "trainer/checkpoint/saving/plan.hpp"
#include "trainer/checkpoint/storage/step_directory.hpp"
#include "trainer/run/run_state.hpp"

namespace isobath {
namespace {

namespace fs = std::filesystem;

constexpr int kWarmup = 2;

RunConfig run_config(const CheckpointBenchOptions& options) {
  RunConfig config;
  config.model = options.model;
  config.parallel = options.parallel;
  config.train.batch = options.batch;
  return config;
}

class CheckpointBench {
 public:
  CheckpointBench(const CheckpointBenchOptions& options, Communicator& ranks)
      : config_(run_config(options)),
        rounds_(options.rounds),
        ranks_(ranks),
        folder_(options.directory, ranks),
        replica_(config_, Device::cpu(), ranks.size()),
        trainer_(config_, replica_, ranks),
        batch_(random_batch(config_.model, options.batch, ranks)),
        tensors_(training_tensors(replica_.parameters, trainer_.optimizer())),
        saver_(folder_.path(), {}, ranks) {
    const Manifest plan = describe({}, tensors_, ranks.size());
    written_ = total_bytes(bytes_to_write(plan.tensors, tensors_, ranks.rank(), ranks.size()));
    for (const NamedTensor& tensor : tensors_)
      for (const HeldRange& range : held_ranges(tensor, ranks.rank(), ranks.size()))
        held_ += static_cast<std::size_t>(range.end - range.begin) * size_of(tensor.dtype());
    for (int i = 0; i < kWarmup; ++i) trainer_.step(batch_);
    saver_.reserve(tensors_);
  }

  CheckpointBenchRow stall();
  CheckpointBenchRow training();
  CheckpointBenchRow writing();
  CheckpointBenchRow loading();

 private:
  TrainingState next_state() {
    TrainingState state;
    state.step = ++saves_;
    return state;
  }
  fs::path directory() const { return folder_.path() / step_name(saves_); }
  std::int64_t most(std::size_t bytes) {
    std::vector<std::int64_t> count{static_cast<std::int64_t>(bytes)};
    ranks_.all_reduce(MutableBuffer::of(count), Reduce::Max).wait();
    return count[0];
  }
  /// Throws the save's own error when it came to nothing.
  void expect_durable(const std::optional<SaveNews>& news) const {
    if (news && news->kind != SaveNews::Kind::Durable) throw StorageError(news->error);
  }
  void remove_last() {
    if (ranks_.rank() == 0)
      if (const auto problem = remove_step_directory(directory())) log_warning(*problem);
    ranks_.barrier();
  }
  /// At the begin of a round, when no rank uses the folder.
  void leave_if_asked() const {
    isobath::leave_if_asked(ranks_, "in a benchmark", "nothing was kept, and the same command begins anew");
  }
  int steps_until_durable();
  std::vector<fs::path> shards_from_own() const;

  RunConfig config_;
  std::int64_t rounds_;
  Communicator& ranks_;
  SharedFolder folder_;
  Replica replica_;
  Trainer trainer_;
  Batch batch_;
  std::vector<NamedTensor> tensors_;
  std::size_t written_ = 0, held_ = 0;  // bytes of a checkpoint that this rank writes; of its state in memory
  std::int64_t saves_ = 0;
  BackgroundSaver saver_;
};

CheckpointBenchRow CheckpointBench::stall() {
  const std::vector<std::byte> from(written_, std::byte{1});
  std::vector<std::byte> to(written_);
  Alternation rounds;
  for (std::int64_t round = 0; round < rounds_; ++round) {
    leave_if_asked();
    const TrainingState state = next_state();
    rounds.seconds.push_back(seconds_of_slowest(ranks_, [&] { saver_.request(state, tensors_); }));
    expect_durable(saver_.wait());
    remove_last();
    rounds.reference_seconds.push_back(
        seconds_of_slowest(ranks_, [&] { std::memcpy(to.data(), from.data(), written_); }));
  }
  return summarize({"stall", "memcpy", most(written_), 0, 0, 0, Goal::AtMost, 1.5}, rounds);
}

int CheckpointBench::steps_until_durable() {
  int steps = 0;
  while (saver_.is_saving()) {
    const SaveVotes mine = saver_.votes();
    const StepReport report = trainer_.step(batch_, {.saved = mine.done, .save_failed = mine.failed});
    expect_durable(saver_.after_step({report.votes.saved, report.votes.save_failed}));
    ++steps;
  }
  return steps;
}

CheckpointBenchRow CheckpointBench::training() {
  Alternation rounds;
  std::int64_t tokens = 0;
  for (std::int64_t round = 0; round < rounds_; ++round) {
    leave_if_asked();
    saver_.request(next_state(), tensors_);
    int steps = 0;
    const double beside = seconds_of_slowest(ranks_, [&] { steps = steps_until_durable(); });
    remove_last();
    const double alone = seconds_of_slowest(ranks_, [&] {
      for (int step = 0; step < steps; ++step) trainer_.step(batch_);
    });
    rounds.seconds.push_back(beside / steps);
    rounds.reference_seconds.push_back(alone / steps);
    tokens = steps * config_.train.batch * config_.model.context;
  }
  return summarize({"training", "no save", tokens, 0, 0, 0, Goal::AtLeast, 0.8}, rounds);
}

CheckpointBenchRow CheckpointBench::writing() {
  const fs::path plain = folder_.path() / text("plain-", ranks_.rank());
  Alternation rounds;
  for (std::int64_t round = 0; round < rounds_; ++round) {
    leave_if_asked();
    const TrainingState state = next_state();
    rounds.seconds.push_back(
        seconds_of_slowest(ranks_, [&] { save_checkpoint(folder_.path(), state, tensors_, ranks_); }));
    remove_last();
    rounds.reference_seconds.push_back(
        seconds_of_slowest(ranks_, [&] { on_every_rank(ranks_, [&] { write_zeros(plain, written_); }); }));
    on_every_rank(ranks_, [&] { fs::remove(plain); });
  }
  return summarize({"writing", "write + fsync", most(written_), 0, 0, 0, Goal::AtLeast, 0.6}, rounds);
}

std::vector<fs::path> CheckpointBench::shards_from_own() const {
  std::vector<fs::path> files;
  for (int i = 0; i < ranks_.size(); ++i)
    files.push_back(directory() / shard_name((ranks_.rank() + i) % ranks_.size(), ranks_.size()));
  return files;
}

CheckpointBenchRow CheckpointBench::loading() {
  save_checkpoint(folder_.path(), next_state(), tensors_, ranks_);
  const std::vector<fs::path> shards = shards_from_own();
  std::vector<std::byte> to(held_);
  const auto read = [&] { on_every_rank(ranks_, [&] { read_plainly(shards, to); }); };
  read();
  Alternation rounds;
  for (std::int64_t round = 0; round < rounds_; ++round) {
    leave_if_asked();
    rounds.seconds.push_back(seconds_of_slowest(ranks_, [&] { load_checkpoint(directory(), tensors_, ranks_); }));
    rounds.reference_seconds.push_back(seconds_of_slowest(ranks_, read));
  }
  remove_last();
  return summarize({"loading", "read", most(held_), 0, 0, 0, Goal::AtMost, 2.0}, rounds);
}

}  // namespace

CheckpointBenchRow summarize(CheckpointBenchRow row, const Alternation& rounds) {
  row.seconds = median(rounds.seconds);
  row.reference_seconds = median(rounds.reference_seconds);
  row.ratio = row.goal == Goal::AtMost ? row.seconds / row.reference_seconds : row.reference_seconds / row.seconds;
  return row;
}

std::vector<CheckpointBenchRow> bench_checkpoints(const CheckpointBenchOptions& options, Communicator& ranks) {
  CheckpointBench bench(options, ranks);
  std::vector<CheckpointBenchRow> rows;
  rows.push_back(bench.stall());
  rows.push_back(bench.training());
  rows.push_back(bench.writing());
  rows.push_back(bench.loading());
  return rows;
}

}  // namespace isobath
