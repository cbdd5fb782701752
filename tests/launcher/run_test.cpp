// A run from text to samples, as the README tells it, on real MPI ranks.

#include "launcher/program.hpp"
#include "launcher/trajectory.hpp"
#include "ops/core/files/json.hpp"

namespace isobath::test {
namespace {

using nlohmann::json;

class WholeRun : public testing::TestWithParam<std::string> {};

TEST_P(WholeRun, TrainsEvaluatesAndWrites) {
  const Workbench bench;
  const std::string policy = "depth.policy=" + GetParam();
  const Ending trained = bench.run(2, "train run.yaml " + policy);
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_EQ(trajectory(bench / "runs/small/metrics.jsonl").size(), 6u);

  const Ending evaluated = bench.run(2, "evaluate runs/small --json");
  ASSERT_EQ(evaluated.code, 0) << evaluated.err;
  const json scores = json::parse(evaluated.out);
  for (const json& rule : scores.at("rules")) {
    EXPECT_GT(rule.at("loss"), 0.0);
    EXPECT_LT(rule.at("loss"), 4.0);
    EXPECT_GT(rule.at("forward_flops").at("executed"), 0.0);
  }
  EXPECT_EQ(scores, json::parse(content_of(bench / "runs/small/evaluation.json")));

  const Ending sampled = bench.run("sample runs/small --prompt 'the ' --tokens 20");
  ASSERT_EQ(sampled.code, 0) << sampled.err;
  EXPECT_EQ(sampled.out.substr(0, 4), "the ");
  EXPECT_EQ(bench.run("sample runs/small --prompt 'the ' --tokens 20").out, sampled.out);

  const Ending inspected = bench.run("checkpoint inspect runs/small/checkpoints/step-00000006");
  EXPECT_EQ(inspected.code, 0);
  EXPECT_NE(inspected.out.find("embedding.tokens"), std::string::npos);
  EXPECT_EQ(bench.run("checkpoint verify runs/small/checkpoints/step-00000006").code, 0);
  EXPECT_EQ(bench.run("report runs/small --output report").code, 0);
}

TEST_P(WholeRun, ResumesBitExactly) {
  const Workbench bench;
  const std::string arguments = "train run.yaml depth.policy=" + GetParam() + " optim.decay_steps=6 ";
  ASSERT_EQ(bench.run(2, arguments + "name=whole").code, 0);
  ASSERT_EQ(bench.run(2, arguments + "name=part train.steps=4").code, 0);
  ASSERT_EQ(bench.run(2, arguments + "name=part").code, 0);
  EXPECT_EQ(trajectory(bench / "runs/whole/metrics.jsonl"), trajectory(bench / "runs/part/metrics.jsonl"));
}

TEST(Branch, CoolsDownAsARunThatWasMeantForItsBudget) {
  const Workbench bench;
  const std::string arguments =
      "train run.yaml depth.policy=mixture_of_depths optim.schedule=wsd checkpoint.keep_last=9 ";
  ASSERT_EQ(bench.run(2, arguments + "name=budget train.steps=6 optim.cooldown_steps=2").code, 0);
  ASSERT_EQ(bench.run(2, arguments + "name=stable train.steps=12 checkpoint.every=4").code, 0);
  const std::string branch = arguments + "name=branch train.steps=6 optim.cooldown_steps=2 ";
  const std::string start = "train.start_from=runs/stable/checkpoints/step-00000004 ";
  const Ending branched = bench.run(2, branch + start);
  ASSERT_EQ(branched.code, 0) << branched.err;
  const auto meant = trajectory(bench / "runs/budget/metrics.jsonl");
  const auto got = trajectory(bench / "runs/branch/metrics.jsonl");
  ASSERT_EQ(got.size(), 2u);
  EXPECT_TRUE(std::equal(got.begin(), got.end(), meant.begin() + 4)) << "other losses than the run without a branch";
  EXPECT_EQ(bench.run(2, branch + start).code, 0);
  EXPECT_EQ(trajectory(bench / "runs/branch/metrics.jsonl"), got) << "its own checkpoint comes first: it is finished";

  const std::string other = arguments + start + "name=other train.steps=8 ";
  const Ending late = bench.run(2, other + "optim.cooldown_steps=5");
  EXPECT_EQ(late.code, 78) << late.err;
  EXPECT_NE(late.err.find("optim.cooldown_steps to at most 4"), std::string::npos) << late.err;
  const Ending wider = bench.run(2, other + "model.layers=5");
  EXPECT_EQ(wider.code, 78) << wider.err;
  EXPECT_NE(wider.err.find("model.layers"), std::string::npos) << wider.err;
  EXPECT_EQ(bench.run(2, arguments + "name=none train.start_from=runs/nowhere").code, 74);
}

INSTANTIATE_TEST_SUITE_P(Policies, WholeRun, testing::Values("dense", "token_selective", "mixture_of_depths"),
                         [](const auto& info) { return info.param; });

TEST(Replay, FollowsARecordedTraceOnAnyNumberOfRanks) {
  const Workbench bench;
  const std::string arguments = "train run.yaml depth.mixture_of_depths.capacity=0.25 ";
  ASSERT_EQ(bench.run(2, arguments + "name=free depth.policy=mixture_of_depths --record-routes routes.h5").code, 0);
  const Ending replayed = bench.run(2, arguments + "name=replayed depth.policy=replay depth.replay.trace=routes.h5");
  ASSERT_EQ(replayed.code, 0) << replayed.err;
  EXPECT_EQ(trajectory(bench / "runs/free/metrics.jsonl"), trajectory(bench / "runs/replayed/metrics.jsonl"));
  const Ending alone = bench.run(arguments + "name=alone depth.policy=replay depth.replay.trace=routes.h5");
  EXPECT_EQ(alone.code, 0) << alone.err;
  const Ending other =
      bench.run(arguments + "name=other seed=2 train.steps=7 depth.policy=replay depth.replay.trace=routes.h5");
  EXPECT_EQ(other.code, 65) << "a trace that ends before the run does";
}

TEST(Tables, AreJsonOnDemand) {
  const Workbench bench;
  const Ending dry = bench.run("train run.yaml --dry-run --json --ranks 2");
  ASSERT_EQ(dry.code, 0) << dry.err;
  EXPECT_GT(json::parse(dry.out).at("parameters"), 10000);
  const Ending bench_rows = bench.run("bench --layers 2 --width 32 --heads 2 --context 32 --batch 2 --steps 3 --json");
  ASSERT_EQ(bench_rows.code, 0) << bench_rows.err;
  const json rows = json::parse(bench_rows.out);
  ASSERT_EQ(rows.size(), 3u);
  for (const char* key : {"model", "dtype", "policy", "tokens_per_s", "share_of_peak", "flop_ratio", "time_ratio"})
    EXPECT_TRUE(rows[0].contains(key)) << key;
  EXPECT_EQ(bench.run("doctor --json").code, 0);
}

TEST(Tables, OfCheckpointsAreJsonOnDemand) {
  const Workbench bench;
  const Ending ending = bench.run(
      2, "bench --checkpoints --directory there --json --layers 2 --width 32 --heads 2 --context 32 --batch 2");
  ASSERT_EQ(ending.code, 0) << ending.err;
  const json rows = json::parse(ending.out);
  ASSERT_EQ(rows.size(), 4u);
  std::vector<std::string> figures;
  for (const json& row : rows) {
    figures.push_back(row.at("figure"));
    EXPECT_EQ(row.at("ranks"), 2);
    EXPECT_EQ(row.at("is_met"),
              row.at("goal") == "at most" ? row.at("ratio") <= row.at("limit") : row.at("ratio") >= row.at("limit"));
  }
  EXPECT_EQ(figures, (std::vector<std::string>{"stall", "training", "writing", "loading"}));
  EXPECT_TRUE(std::filesystem::is_empty(bench / "there"));
}

TEST(Tables, CountTheCopyOfACheckpoint) {
  const Workbench bench;
  const auto memory = [&](const std::string& more) {
    return json::parse(bench.run("train run.yaml --dry-run --json --ranks 4 " + more).out).at("memory");
  };
  const json saved = memory(""), never = memory("checkpoint.every=0 checkpoint.at_end=false");
  EXPECT_EQ(never.at("checkpoint_copy"), 0);
  EXPECT_EQ(saved.at("peak"), never.at("peak").get<std::int64_t>() + saved.at("checkpoint_copy").get<std::int64_t>());
  const auto all = json::parse(bench.run("train run.yaml --dry-run --json --ranks 4").out).at("checkpoint_bytes");
  EXPECT_NEAR(saved.at("checkpoint_copy").get<double>(), all.get<double>() / 4, 16.0) << "each rank writes a quarter";
}

TEST(PublicTokens, TrainAsTheyAre) {
  const char* data = std::getenv("ISOBATH_DATA");
  if (data == nullptr) GTEST_SKIP() << "ISOBATH_DATA names no folder with public token files";
  const Workbench bench;
  const Ending ending = bench.run(
      2, "train run.yaml train.steps=1 evaluation.windows=2 data.path='" + std::string(data) +
             "/llmc/tiny_shakespeare_train.bin' data.validation_path='" + data + "/llmc/tiny_shakespeare_val.bin'");
  EXPECT_EQ(ending.code, 0) << ending.err;
}

}  // namespace
}  // namespace isobath::test
