// Checkpoints of real runs: killed at the points of a save, refused by storage, listed, cut anew, handed on.

#include <cstdlib>

#include "launcher/program.hpp"
#include "ops/core/files/json.hpp"

namespace isobath::test {
namespace {

using nlohmann::json;

/// A fault for the runs that are started while it lives.
class PlannedFault {
 public:
  explicit PlannedFault(const std::string& plan) { ::setenv("ISOBATH_FAULT", plan.c_str(), 1); }
  ~PlannedFault() { ::unsetenv("ISOBATH_FAULT"); }
  PlannedFault(const PlannedFault&) = delete;
  PlannedFault& operator=(const PlannedFault&) = delete;
};

/// Everything but the clock.
std::vector<std::string> trajectory(const std::filesystem::path& metrics) {
  std::vector<std::string> out;
  std::ifstream file(metrics);
  for (std::string line; std::getline(file, line);) out.push_back(line.substr(0, line.find("\"seconds\"")));
  return out;
}

const std::string kTrain = "train run.yaml train.steps=12 checkpoint.every=3 checkpoint.keep_last=1 ";

TEST(Checkpoints, BackgroundAndForegroundRunsAreEqual) {
  const Workbench bench;
  for (const char* background : {"true", "false"})
    ASSERT_EQ(bench.run(2, kTrain + "name=" + background + " checkpoint.background=" + background).code, 0);
  EXPECT_EQ(trajectory(bench / "runs/true/metrics.jsonl"), trajectory(bench / "runs/false/metrics.jsonl"));
  const std::string last = "/checkpoints/step-00000012/shard-00001-of-00002.h5";
  EXPECT_EQ(content_of(bench / ("runs/true" + last)), content_of(bench / ("runs/false" + last)));
}

TEST(Checkpoints, ARunKilledInASaveGoesOnExactly) {
  const Workbench bench;
  ASSERT_EQ(bench.run(2, kTrain + "name=whole").code, 0);
  for (const std::string plan :
       {"before_shard:rank=0:kill", "in_shard:rank=1:visit=2:kill", "shard_done:rank=0:visit=2:kill",
        "manifest_temporary:visit=2:kill", "in_pruning:kill"}) {
    const std::string name = std::string("name=k") + std::to_string(std::hash<std::string>{}(plan));
    const std::filesystem::path run = bench / ("runs/" + name.substr(5));
    {
      const PlannedFault fault(plan);
      EXPECT_EQ(bench.run(2, kTrain + name).code, 137) << plan;
    }
    const Ending resumed = bench.run(2, kTrain + name);
    ASSERT_EQ(resumed.code, 0) << plan << resumed.err;
    EXPECT_EQ(trajectory(run / "metrics.jsonl"), trajectory(bench / "runs/whole/metrics.jsonl")) << plan;
    for (const char* shard : {"shard-00000-of-00002.h5", "shard-00001-of-00002.h5"})
      EXPECT_EQ(content_of(run / "checkpoints/step-00000012" / shard),
                content_of(bench / "runs/whole/checkpoints/step-00000012" / shard))
          << plan;
    const json list = json::parse(bench.run("checkpoint list " + run.string() + " --json").out);
    ASSERT_EQ(list.size(), 1u) << plan << ": nothing is left to clean up";
    EXPECT_TRUE(list[0].at("whole"));
  }
}

TEST(Checkpoints, StorageThatFailsStopsARunOnlyWhenToldTo) {
  const Workbench bench;
  const PlannedFault fault("before_fsync:rank=1:fail");
  const Ending retried = bench.run(2, kTrain + "name=retried");
  EXPECT_EQ(retried.code, 0) << retried.err;
  EXPECT_NE(retried.err.find("trying again"), std::string::npos) << retried.err;
  const Ending warned = bench.run(2, kTrain + "name=warned checkpoint.retries=0");
  EXPECT_EQ(warned.code, 0) << warned.err;
  EXPECT_NE(warned.err.find("there is no checkpoint of step 3"), std::string::npos) << warned.err;
  const Ending stopped = bench.run(2, kTrain + "name=stopped checkpoint.retries=0 checkpoint.on_failure=stop");
  EXPECT_EQ(stopped.code, 74);
  EXPECT_EQ(error_lines(stopped.err), 1) << stopped.err;
  // Nobody would try the last one again.
  const Ending last = bench.run(2, kTrain + "name=last checkpoint.retries=0 checkpoint.every=0");
  EXPECT_EQ(last.code, 74);
}

TEST(Checkpoints, AreListedCutAnewAndHandedOn) {
  const Workbench bench;
  ASSERT_EQ(bench.run(2, "train run.yaml").code, 0);
  std::filesystem::remove(bench / "runs/small/checkpoints/step-00000003/shard-00001-of-00002.h5");
  const json list = json::parse(bench.run("checkpoint list runs/small --json").out);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_TRUE(list[0].at("whole"));
  EXPECT_EQ(list[0].at("step"), 6);
  EXPECT_EQ(list[0].at("world_size"), 2);
  EXPECT_FALSE(list[1].at("whole"));
  EXPECT_NE(list[1].at("problem").get<std::string>().find("shard-00001-of-00002.h5"), std::string::npos);
  EXPECT_NE(bench.run("checkpoint list runs/small").out.find("whole"), std::string::npos);

  const std::string newest = "runs/small/checkpoints/step-00000006";
  EXPECT_EQ(bench.run("checkpoint reshard " + newest + " --shards 3 --output cut").code, 0);
  EXPECT_EQ(bench.run("checkpoint verify cut/step-00000006").code, 0);
  EXPECT_EQ(bench.run("checkpoint reshard " + newest + " --shards 3 --output runs/small/checkpoints").code, 74);
  EXPECT_EQ(bench.run("checkpoint reshard " + newest + " --shards 0 --output cut").code, 64);

  EXPECT_EQ(bench.run("checkpoint export " + newest + " --output handed").code, 0);
  const json config = json::parse(content_of(bench / "handed/config.json"));
  EXPECT_EQ(config.at("num_hidden_layers"), 3);
  EXPECT_EQ(config.at("depth").at("policy"), "dense");
  EXPECT_GT(config.at("vocab_size"), 5);
  const std::string weights = content_of(bench / "handed/model.safetensors");
  EXPECT_NE(weights.find("embedding.tokens"), std::string::npos);
  EXPECT_EQ(weights.find("adamw"), std::string::npos) << "moments are not weights";
}

TEST(Checkpoints, AnUnreadableFaultIsUsage) {
  const Workbench bench;
  for (const char* plan : {"", "nowhere:kill", "in_shard", "in_shard:often", "in_shard:rank=x:kill"}) {
    const PlannedFault fault(plan);
    EXPECT_EQ(bench.run("train run.yaml").code, 64) << plan;
  }
}

}  // namespace
}  // namespace isobath::test
