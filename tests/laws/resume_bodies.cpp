// Law 7: k steps, a checkpoint, a new process and the rest are bit for bit the uninterrupted run; on another world the
// samples are the same.

#include <filesystem>
#include <fstream>

#include "data/prepare/prepare.hpp"
#include "laws/small_run.hpp"
#include "parallel/exchange.hpp"
#include "support/ranked/bodies.hpp"
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
  /// Nobody uses the folder from here on.
  void leave() const { ranks_.barrier(); }

  RunConfig config(DepthPolicy policy, const std::string& name, Family family = Family::Paper) const {
    RunConfig config = small_config(family, policy);
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

  /// Trains to config.train.steps; a run of that name goes on.
  void train(const RunConfig& config) const { train(config, ranks_); }
  void train(const RunConfig& config, Communicator& ranks) const {
    const RunSetup setup = set_up_run([&] { return ResolvedConfig{config, {}, {}}; }, ranks);
    open_run_directory(setup, ranks);
    TrainingRun(setup, ranks).finish();
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

/// The first part of an interrupted run scores the model fully when it ends; the uninterrupted run has no reason to.
std::vector<std::string> without_validation_at_3(std::vector<std::string> lines) {
  std::erase_if(lines,
                [](const std::string& line) { return line.find("\"validation\",\"step\":3") != std::string::npos; });
  return lines;
}

void resume_on_the_same_world(Communicator& ranks, DepthPolicy policy, std::int64_t zero = 0,
                              Family family = Family::Paper, DTypeChoice dtype = DTypeChoice::F32) {
  const Workplace place(ranks);
  RunConfig whole = place.config(policy, "whole", family), part = place.config(policy, "part", family);
  whole.parallel.zero = part.parallel.zero = zero;
  whole.system.dtype = part.system.dtype = dtype;
  place.train(whole);
  part.train.steps = 3;
  place.train(part);
  part.train.steps = 8;
  place.train(part);
  EXPECT_EQ(place.weights(whole), place.weights(part));
  EXPECT_EQ(without_validation_at_3(place.metrics(part)), without_validation_at_3(place.metrics(whole)));
  place.leave();
}

RANKED_TEST(Resume, of_dense_is_bit_exact_on_the_same_world) { resume_on_the_same_world(ranks, DepthPolicy::Dense); }
RANKED_TEST(Resume, of_token_selective_is_bit_exact_on_the_same_world) {
  resume_on_the_same_world(ranks, DepthPolicy::TokenSelective);
}
RANKED_TEST(Resume, of_mixture_of_depths_is_bit_exact_on_the_same_world) {
  resume_on_the_same_world(ranks, DepthPolicy::MixtureOfDepths);
}

RANKED_TEST(Resume, of_a_modern_mixture_of_depths_is_bit_exact_on_the_same_world) {
  resume_on_the_same_world(ranks, DepthPolicy::MixtureOfDepths, 0, Family::Modern);
}
RANKED_TEST(Resume, of_a_modern_token_selective_with_a_divided_optimizer_is_bit_exact_on_the_same_world) {
  resume_on_the_same_world(ranks, DepthPolicy::TokenSelective, 1, Family::Modern);
}
RANKED_TEST(Resume, of_the_modern_family_in_bf16_is_bit_exact) {
  resume_on_the_same_world(ranks, DepthPolicy::MixtureOfDepths, 1, Family::Modern, DTypeChoice::Bf16);
}

RANKED_TEST(Resume, with_a_divided_optimizer_is_bit_exact_on_the_same_world) {
  resume_on_the_same_world(ranks, DepthPolicy::MixtureOfDepths, 1);
}
RANKED_TEST(Resume, with_divided_gradients_is_bit_exact_on_the_same_world) {
  resume_on_the_same_world(ranks, DepthPolicy::TokenSelective, 2);
}

RANKED_TEST(Resume, in_bf16_is_bit_exact_on_the_same_world) {
  for (const auto& [policy, zero] :
       {std::pair{DepthPolicy::Dense, 0}, {DepthPolicy::TokenSelective, 2}, {DepthPolicy::MixtureOfDepths, 1}})
    resume_on_the_same_world(ranks, policy, zero, Family::Paper, DTypeChoice::Bf16);
}

RANKED_TEST(Resume, finds_its_moments_under_any_division) {
  const Workplace place(ranks);
  std::vector<RunConfig> runs;
  for (const auto& [first, then] : {std::pair{0, 1}, {1, 0}, {2, 1}, {0, 0}}) {
    RunConfig run = place.config(DepthPolicy::Dense, text("zero-", first, "-", then));
    run.parallel.zero = first;
    run.train.steps = 3;
    place.train(run);
    run.parallel.zero = then;
    run.train.steps = 8;
    place.train(run);
    runs.push_back(run);
  }
  // Lost moments would change the next update by the order of the learning rate; a division only rounds norms
  // otherwise.
  const auto expected = place.weights(runs.back());
  for (const RunConfig& run : runs)
    for (const auto& [name, values] : place.weights(run))
      for (std::size_t i = 0; i < values.size(); ++i)
        ASSERT_NEAR(values[i], expected.at(name)[i], 0.02 * run.optim.learning_rate) << run.name << ' ' << name;
  place.leave();
}

RANKED_TEST(Resume, goes_on_with_another_number_of_ranks) {
  const Workplace place(ranks);
  RunConfig run = place.config(DepthPolicy::MixtureOfDepths, "moved");
  run.train.steps = 3;
  const bool joins = ranks.rank() == 0 || ranks.rank() < ranks.size() - 1;
  const auto fewer = ranks.split(Color{joins ? 0 : 1});
  if (joins) place.train(run, *fewer);
  ranks.barrier();
  run.train.steps = 8;
  place.train(run);
  const auto latest = find_latest(RunPaths(run).checkpoints(), VerifyLevel::Full);
  const Manifest manifest = read_manifest(latest.directory.value());
  EXPECT_EQ(manifest.state.step, 8);
  EXPECT_EQ(manifest.state.samples, 8 * run.train.batch);
  EXPECT_EQ(manifest.world_size, ranks.size());
  RunConfig whole = place.config(DepthPolicy::Dense, "whole");  // another model, the same samples
  place.train(whole);
  EXPECT_EQ(place.data(run), place.data(whole));
  place.leave();
}

RANKED_TEST(Resume, refuses_a_forbidden_change) {
  const Workplace place(ranks);
  RunConfig run = place.config(DepthPolicy::Dense, "strict");
  run.train.steps = 1;
  place.train(run);
  run.model.width = 64;
  EXPECT_THROW(place.train(run), Error);
  place.leave();
}

RANKED_TEST(Resume, says_that_a_finished_run_is_finished) {
  const Workplace place(ranks);
  RunConfig run = place.config(DepthPolicy::Dense, "done");
  run.train.steps = 2;
  place.train(run);
  const auto before = place.metrics(run);
  place.train(run);
  EXPECT_EQ(place.metrics(run), before);
  place.leave();
}

}  // namespace
}  // namespace isobath::test
