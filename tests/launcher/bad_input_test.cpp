// Every mistake ends in one error on one rank, that says what, where and what to do, and in the documented code on
// every rank.

#include "launcher/program.hpp"

namespace isobath::test {
namespace {

struct Mistake {
  const char* name;
  const char* arguments;  // of the program
  int code;
  std::vector<const char*> words;  // that the message holds
};

std::ostream& operator<<(std::ostream& out, const Mistake& mistake) { return out << mistake.name; }

const Mistake kMistakes[] = {
    {"no_such_config", "train absent.yaml", 78, {"absent.yaml"}},
    {"unknown_key", "train run.yaml model.widht=64", 78, {"model.widht", "width"}},
    {"two_mistakes_at_once", "train run.yaml model.width=x optim.beta1=2", 78, {"model.width", "optim.beta1"}},
    {"heads_do_not_divide", "train run.yaml model.heads=5", 78, {"heads"}},
    {"no_such_data", "train run.yaml data.path=nowhere", 65, {"nowhere"}},
    {"empty_data", "train run.yaml data.path=empty.bin", 65, {"empty.bin"}},
    {"context_longer_than_data", "train run.yaml model.context=1000000 data.validation_fraction=0", 65, {"1000000"}},
    {"vocabulary_too_small", "train run.yaml model.vocabulary=5", 65, {"vocabulary"}},
    {"batch_smaller_than_ranks", "train run.yaml train.batch=1", 78, {"train.batch", "ranks"}},
    {"capacity_selects_nothing",
     "train run.yaml depth.policy=mixture_of_depths depth.mixture_of_depths.capacity=0.01",
     78,
     {"capacity", "32"}},
    {"no_gpu", "train run.yaml system.device=cuda", 69, {"system.device"}},
    {"no_trace", "train run.yaml depth.policy=replay depth.replay.trace=absent.h5", 65, {"absent.h5"}},
    {"not_finite",
     "train run.yaml optim.learning_rate=100 optim.clip_norm=0 optim.schedule=constant train.steps=400",
     93,
     {"not finite"}},
    {"benchmark_of_heads_that_do_not_divide", "bench --width 64", 64, {"--width 64", "--heads 6"}},
    {"benchmark_of_graphs_on_the_cpu", "bench --cuda-graph", 64, {"--cuda-graph", "--device cuda"}},
    {"benchmark_over_ranks_in_two_dtypes", "bench --over-ranks --dtype f32,bf16", 64, {"--over-ranks", "one dtype"}},
    {"no_such_run", "evaluate runs/absent", 65, {"runs/absent"}},
};

class BadInput : public testing::TestWithParam<Mistake> {};

TEST_P(BadInput, EndsOnTwoRanksInOneErrorAndTheDocumentedCode) {
  const Workbench bench;
  bench.write("empty.bin", "");
  const Ending ending = bench.run(2, GetParam().arguments);
  EXPECT_EQ(ending.code, GetParam().code) << ending.err;
  EXPECT_EQ(error_lines(ending.err), 1) << ending.err;
  for (const char* word : GetParam().words)
    EXPECT_NE(ending.err.find(word), std::string::npos) << word << " in:\n" << ending.err;
}

TEST_P(BadInput, EndsAloneInTheSameWay) {
  if (std::string(GetParam().name) == "batch_smaller_than_ranks") GTEST_SKIP() << "one rank always has a sequence";
  const Workbench bench;
  bench.write("empty.bin", "");
  const Ending ending = bench.run(GetParam().arguments);
  EXPECT_EQ(ending.code, GetParam().code) << ending.err;
  EXPECT_EQ(error_lines(ending.err), 1) << ending.err;
}

INSTANTIATE_TEST_SUITE_P(Table, BadInput, testing::ValuesIn(kMistakes),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Usage, IsExplained) {
  const Workbench bench;
  EXPECT_EQ(bench.run("").code, 64);
  EXPECT_EQ(bench.run("trane run.yaml").code, 64);
  EXPECT_EQ(bench.run("train").code, 64);
  EXPECT_EQ(bench.run("--help").code, 0);
  EXPECT_EQ(bench.run("train --help").code, 0);
  EXPECT_NE(bench.run("--help").out.find("75 saved"), std::string::npos);
}

TEST(Damage, IsFoundBeforeTrainingGoesOn) {
  const Workbench bench;
  ASSERT_EQ(bench.run(2, "train run.yaml").code, 0);
  const auto shard = bench / "runs/small/checkpoints/step-00000006/shard-00001-of-00002.h5";
  std::string bytes = content_of(shard);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  std::ofstream(shard, std::ios::binary) << bytes;
  const Ending verified = bench.run("checkpoint verify runs/small/checkpoints/step-00000006");
  EXPECT_EQ(verified.code, 74);
  EXPECT_NE(verified.out.find("shard-00001-of-00002.h5"), std::string::npos) << verified.out;
  // The older checkpoint is whole: the run goes on from there, and says so.
  const Ending resumed = bench.run(2, "train run.yaml train.steps=8 optim.decay_steps=6");
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_NE(resumed.err.find("skipping"), std::string::npos) << resumed.err;
  EXPECT_NE(resumed.err.find("step-00000003"), std::string::npos) << resumed.err;
}

TEST(Damage, OfTokensIsAnError) {
  const Workbench bench;
  std::filesystem::path tokens;
  for (const auto& entry : std::filesystem::directory_iterator(bench / "data"))
    if (entry.path().extension() == ".tok") tokens = entry.path();
  std::filesystem::resize_file(tokens, std::filesystem::file_size(tokens) - 100);
  const Ending ending = bench.run(2, "train run.yaml");
  EXPECT_EQ(ending.code, 65) << ending.err;
  EXPECT_EQ(error_lines(ending.err), 1) << ending.err;
  EXPECT_NE(ending.err.find(tokens.filename().string()), std::string::npos) << ending.err;
}

}  // namespace
}  // namespace isobath::test
