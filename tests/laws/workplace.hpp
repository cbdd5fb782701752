#pragma once
// Whole training runs on a small text, and what they leave.

#include <filesystem>
#include <fstream>

#include "data/prepare/prepare.hpp"
#include "laws/small_run.hpp"
#include "parallel/exchange.hpp"
#include "support/temp_folder.hpp"
#include "trainer/checkpoint/catalog/find.hpp"
#include "trainer/run/training_run.hpp"

namespace isobath::test {

inline std::string some_text() {
  std::string out;
  const auto key = RandomKey{9, Purpose::Test, 0, 0}.words();
  const char* words[] = {"alpha ", "beta ", "gamma, ", "delta. ", "epsilon ", "zeta\n"};
  for (std::uint64_t i = 0; i < 4000; ++i) out += words[draw4(key, i, 0, 0)[0] % 6];
  return out;
}

/// A dataset and runs on it in a folder of all ranks, which goes away with rank 0's.
class Workplace {
 public:
  explicit Workplace(Communicator& ranks) : ranks_(ranks) {
    if (ranks.rank() == 0) {
      own_ = std::make_unique<TempFolder>();
      std::ofstream(*own_ / "text.txt") << some_text();
      prepare({.inputs = {*own_ / "text.txt"}, .output = *own_ / "data", .tokenizer = TokenizerKind::Characters});
    }
    folder_ = broadcast_text(ranks, own_ ? own_->path().string() : "");
  }
  std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }
  /// Nobody uses the folder from here on.
  void leave() const { ranks_.barrier(); }

  RunConfig config(DepthPolicy policy, const std::string& name, Family family = Family::Paper) const {
    RunConfig config = small_config(family, policy);
    config.model.vocabulary = 0;
    config.model.dropout = 0.1;
    config.name = name;
    config.system.device = device().is_cuda() ? DeviceChoice::Cuda : DeviceChoice::Cpu;
    config.output = (folder_ / "runs").string();
    config.data.path = (folder_ / "data").string();
    config.data.validation_block = 512;
    config.evaluation.every = 3;
    config.checkpoint.every = 0;
    config.train.steps = 8;
    config.optim.decay_steps = 8;
    return config;
  }

  /// Trains to config.train.steps; a run of that name goes on.
  void train(const RunConfig& config) const { train(config, ranks_); }
  void train(const RunConfig& config, Communicator& ranks, const std::filesystem::path& trace = {}) const {
    const RunSetup setup = set_up_run([&] { return ResolvedConfig{config, {}, {}}; }, ranks);
    open_run_directory(setup, ranks);
    TrainingRun run(setup, ranks);
    if (!trace.empty()) run.record_routes(trace);
    run.finish();
    ranks.barrier();  // rank 0 has written all that the others will read
  }

  std::map<std::string, std::vector<float>> weights(const RunConfig& config) const {
    RunConfig resolved = config;
    resolved.model.vocabulary = read_dataset_header(config.data).vocabulary;
    const Replica replica(resolved, Device::cpu(), 1);
    SelfCommunicator alone;
    const auto latest = find_latest(RunPaths(config).checkpoints(), VerifyLevel::Full);
    load_checkpoint(latest.directory.value(), weights_of(replica.parameters), alone, Unlisted::Ignore);
    std::map<std::string, std::vector<float>> out;
    for (const Parameter* parameter : replica.parameters.parameters())
      out[parameter->name] = parameter->value.to_vector<float>();
    return out;
  }

  /// The digest of each step's samples.
  std::vector<std::string> data(const RunConfig& config) const {
    std::vector<std::string> out;
    for (const std::string& line : metrics(config))
      if (const auto at = line.find("\"data\":"); at != std::string::npos)
        out.push_back(line.substr(at, line.find(',', at) - at));
    return out;
  }

  /// {"step", "loss", ...} lines of metrics.jsonl without the clock's share.
  std::vector<std::string> metrics(const RunConfig& config) const {
    std::ifstream file(RunPaths(config).metrics());
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line.substr(0, line.find("\"seconds\"")));
    return lines;
  }

 private:
  Communicator& ranks_;
  std::unique_ptr<TempFolder> own_;
  std::filesystem::path folder_;
};

}  // namespace isobath::test
