// What each source of a mixture has given, as the metrics say it.

#include "launcher/program.hpp"
#include "ops/core/files/json.hpp"

namespace isobath::test {
namespace {

using Tokens = std::vector<std::int64_t>;

std::vector<Tokens> source_tokens(const std::filesystem::path& metrics) {
  std::vector<Tokens> out;
  std::istringstream lines(content_of(metrics));
  for (std::string line; std::getline(lines, line);) {
    const auto entry = nlohmann::json::parse(line);
    if (entry.at("kind") == "step") out.push_back(entry.value("source_tokens", Tokens{}));
  }
  return out;
}

TEST(Sources, SayWhatTheyHaveGivenAlsoAfterAResume) {
  const Workbench bench;
  std::string other;
  for (int i = 0; i < 3000; ++i) other += i % 5 == 0 ? "lazy fox\n" : "the dog jumps over a quick fox ";
  bench.write("other.txt", other);
  const Ending prepared =
      bench.run("prepare other.txt --output other --tokenizer characters --vocabulary data/vocabulary.json");
  ASSERT_EQ(prepared.code, 0) << prepared.err;
  const std::string train =
      "train run.yaml optim.decay_steps=6 data.path= 'data.sources=[data, other]' 'data.weights=[0.7, 0.3]' ";
  ASSERT_EQ(bench.run(train + "name=whole").code, 0);
  // Killed behind the checkpoint of step 3: the lines of steps 4 and 5 are written twice.
  ASSERT_EQ(bench.run(train + "name=part train.steps=5 checkpoint.at_end=false").code, 0);
  const Ending resumed = bench.run(2, train + "name=part");
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_NE(resumed.err.find("resuming from"), std::string::npos) << resumed.err;
  const auto whole = source_tokens(bench / "runs/whole/metrics.jsonl");
  // Four samples of 32 tokens a step, shared 7 to 3; by the tenth sample each source has had its share exactly.
  ASSERT_EQ(whole.size(), 6u);
  for (std::size_t step = 0; step < whole.size(); ++step) {
    ASSERT_EQ(whole[step].size(), 2u);
    const auto samples = static_cast<std::int64_t>(step + 1) * 4;
    EXPECT_EQ(whole[step][0] + whole[step][1], samples * 32);
    EXPECT_NEAR(static_cast<double>(whole[step][1]), 0.3 * static_cast<double>(samples * 32), 31.9);
  }
  EXPECT_EQ(whole[4], (Tokens{14 * 32, 6 * 32}));
  EXPECT_EQ(source_tokens(bench / "runs/part/metrics.jsonl"), whole);
}

TEST(Sources, OneSourceHasNothingToSay) {
  const Workbench bench;
  ASSERT_EQ(bench.run("train run.yaml train.steps=1").code, 0);
  EXPECT_EQ(source_tokens(bench / "runs/small/metrics.jsonl"), std::vector<Tokens>{{}});
}

}  // namespace
}  // namespace isobath::test
