// TensorBoard's own reader sees a resumed run as one that never stopped.

#include "launcher/program.hpp"
#include "launcher/trajectory.hpp"
#include "ops/core/files/json.hpp"
#include "support/python.hpp"

namespace isobath::test {
namespace {

constexpr const char* kRead = R"(
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1], size_guidance={'scalars': 0, 'histograms': 0})
events.Reload()
print(json.dumps({
    'loss': [[e.step, e.value] for e in events.Scalars('train/loss')],
    'gates': [sum(e.histogram_value.bucket) for e in events.Histograms('gates/block-01')],
    'validation': [e.step for tag in events.Tags()['scalars'] if tag.startswith('validation/') for e in events.Scalars(tag)],
}))
)";

TEST(Events, APublicReaderSeesEveryStepOnceAfterAResume) {
  if (!python_has("tensorboard")) GTEST_SKIP() << "Python's tensorboard is not installed (pip install tensorboard)";
  const Workbench bench;
  const std::string arguments =
      "train run.yaml depth.policy=token_selective checkpoint.at_end=false optim.decay_steps=6 ";
  ASSERT_EQ(bench.run(arguments + "train.steps=5").code, 0);
  ASSERT_EQ(bench.run(arguments + "train.steps=6").code, 0) << "goes on from step 3: steps 4 and 5 come again";
  bench.write("read.py", kRead);
  const Ending read = bench.shell(python() + " read.py runs/small");
  ASSERT_EQ(read.code, 0) << read.err;
  const auto seen = nlohmann::json::parse(read.out);
  const auto lines = trajectory(bench / "runs/small/metrics.jsonl");
  ASSERT_EQ(seen.at("loss").size(), lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto line = nlohmann::json::parse(lines[i]);
    EXPECT_EQ(seen["loss"][i][0], line[0]);
    EXPECT_EQ(seen["loss"][i][1].get<float>(), line[2].get<float>());
  }
  EXPECT_EQ(seen.at("gates"), nlohmann::json(std::vector<double>(6, 4 * 32.0))) << "a gate a row in every step";
  EXPECT_FALSE(seen.at("validation").empty());
}

}  // namespace
}  // namespace isobath::test
