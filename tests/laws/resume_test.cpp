// Law 7: k steps, a checkpoint, a new process and the rest are bit for bit the uninterrupted run; on another world the
// samples are the same.

#include <filesystem>
#include <fstream>

#include "data/prepare/prepare.hpp"
#include "laws/small_run.hpp"
#include "parallel/thread_ranks.hpp"
#include "support/temp_folder.hpp"
#include "trainer/checkpoint/catalog/find.hpp"
#include "trainer/run/training_run.hpp"

namespace isobath::test {
namespace {

std::string some_text() {
  std::string out;
  const auto key = RandomKey{9, Purpose::Test, 0, 0}.words();
  const char* words[] = {"alpha ", "beta ", "gamma, ", "delta. ", "epsilon ", "zeta\n"};
  for (std::uint64_t i = 0; i < 4000; ++i) out += words[draw4(key, i, 0, 0)[0] % 6];
  return out;
}

/// A dataset and runs on it in a folder that goes away.
class Workplace {
 public:
  Workplace() {
    std::ofstream(folder_ / "text.txt") << some_text();
    prepare({.inputs = {folder_ / "text.txt"}, .output = folder_ / "data", .tokenizer = TokenizerKind::Characters});
  }

  RunConfig config(DepthPolicy policy, const std::string& name) const {
    RunConfig config = small_config(policy);
    config.model.vocabulary = 0;
    config.model.dropout = 0.1;
    config.name = name;
    config.output = (folder_ / "runs").string();
    config.data.path = (folder_ / "data").string();
    config.data.validation_block = 512;
    config.evaluation.every = 3;
    config.checkpoint.every = 0;
    config.train.steps = 8;
    config.optim.decay_steps = 8;
    return config;
  }

  /// Trains to config.train.steps on `ranks` thread ranks; a run of that name goes on.
  void train(const RunConfig& config, int ranks) const {
    run_ranks({.count = ranks}, [&](Communicator& world) {
      const RunSetup setup = set_up_run([&] { return ResolvedConfig{config, {}, {}}; }, world);
      open_run_directory(setup, world);
      TrainingRun(setup, world).finish();
    });
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

  /// {"step", "loss", ...} lines of metrics.jsonl without the clock's share.
  std::vector<std::string> metrics(const RunConfig& config) const {
    std::ifstream file(RunPaths(config).metrics());
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line.substr(0, line.find("\"seconds\"")));
    return lines;
  }

 private:
  TempFolder folder_;
};

class Resume : public testing::TestWithParam<DepthPolicy> {};

TEST_P(Resume, IsBitExactOnTheSameWorld) {
  const Workplace place;
  for (const int ranks : {1, 2}) {
    const RunConfig whole = place.config(GetParam(), text("whole", ranks));
    place.train(whole, ranks);
    RunConfig part = place.config(GetParam(), text("part", ranks));
    part.train.steps = 3;
    place.train(part, ranks);
    part.train.steps = 8;
    place.train(part, ranks);
    EXPECT_EQ(place.weights(whole), place.weights(part)) << ranks << " ranks";
    std::vector<std::string> seen = place.metrics(part);
    // The first part scored the model fully when it ended; the uninterrupted run had no reason to.
    std::erase_if(seen,
                  [](const std::string& line) { return line.find("\"validation\",\"step\":3") != std::string::npos; });
    std::vector<std::string> expected = place.metrics(whole);
    std::erase_if(expected,
                  [](const std::string& line) { return line.find("\"validation\",\"step\":3") != std::string::npos; });
    EXPECT_EQ(seen, expected) << ranks << " ranks";
  }
}

TEST_P(Resume, GoesOnWithAnotherNumberOfRanks) {
  const Workplace place;
  RunConfig run = place.config(GetParam(), "moved");
  run.train.steps = 3;
  place.train(run, 2);
  run.train.steps = 8;
  place.train(run, 3);
  const auto latest = find_latest(RunPaths(run).checkpoints(), VerifyLevel::Full);
  const Manifest manifest = read_manifest(latest.directory.value());
  EXPECT_EQ(manifest.state.step, 8);
  EXPECT_EQ(manifest.state.samples, 8 * run.train.batch);
  EXPECT_EQ(manifest.world_size, 3);
}

INSTANTIATE_TEST_SUITE_P(Laws, Resume,
                         testing::Values(DepthPolicy::Dense, DepthPolicy::TokenSelective, DepthPolicy::MixtureOfDepths),
                         [](const auto& info) { return std::string(name_of(info.param)); });

TEST(Resume, RefusesAForbiddenChange) {
  const Workplace place;
  RunConfig run = place.config(DepthPolicy::Dense, "strict");
  run.train.steps = 1;
  place.train(run, 1);
  run.model.width = 64;
  EXPECT_THROW(place.train(run, 1), Error);
}

TEST(Resume, SaysThatAFinishedRunIsFinished) {
  const Workplace place;
  RunConfig run = place.config(DepthPolicy::Dense, "done");
  run.train.steps = 2;
  place.train(run, 1);
  const auto before = place.metrics(run);
  place.train(run, 1);
  EXPECT_EQ(place.metrics(run), before);
}

}  // namespace
}  // namespace isobath::test
