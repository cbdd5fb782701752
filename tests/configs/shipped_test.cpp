// The configurations that come with the program load, and say what their names promise.

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "configs/yaml/run_config.hpp"

namespace isobath {
namespace {

namespace fs = std::filesystem;

const fs::path kConfigs = fs::path(__FILE__).parent_path().parent_path().parent_path() / "configs";

RunConfig experiment(const std::string& name) {
  return load_run_config(kConfigs / "experiment" / (name + ".yaml")).config;
}

TEST(Shipped, EveryExperimentLoadsAndIsNamedAfterItsFile) {
  int seen = 0;
  for (const auto& entry : fs::directory_iterator(kConfigs / "experiment")) {
    EXPECT_EQ(load_run_config(entry.path()).config.name, entry.path().stem().string());
    ++seen;
  }
  EXPECT_GE(seen, 7);
}

TEST(Shipped, EveryBaseLoadsOnceItHasData) {
  for (const auto& entry : fs::directory_iterator(kConfigs / "base"))
    EXPECT_NO_THROW(load_run_config(entry.path(), {"data.path=x"})) << entry.path();
}

TEST(Shipped, ShakespeareIsThePapersSetting) {
  for (const char* name : {"shakespeare-dense", "shakespeare-tsa", "shakespeare-mod"}) {
    const RunConfig run = experiment(name);
    EXPECT_EQ(run.model.width, 256);
    EXPECT_EQ(run.model.layers, 6);
    EXPECT_EQ(run.model.heads, 8);
    EXPECT_EQ(run.model.ffn_channels(), 1024);
    EXPECT_EQ(run.model.context, 128);
    EXPECT_EQ(run.model.dropout, 0.1);
    EXPECT_EQ(run.train.batch, 64);
    EXPECT_EQ(run.train.steps, 300);
    EXPECT_EQ(run.optim.learning_rate, 3e-4);
    EXPECT_EQ(run.optim.beta2, 0.95);
  }
  EXPECT_EQ(experiment("shakespeare-dense").depth.policy, DepthPolicy::Dense);
  EXPECT_EQ(experiment("shakespeare-tsa").depth.policy, DepthPolicy::TokenSelective);
  EXPECT_EQ(experiment("shakespeare-mod").depth.policy, DepthPolicy::MixtureOfDepths);
}

TEST(Shipped, NanogptIsTheRecipeForACpu) {
  const RunConfig run = experiment("nanogpt-cpu");
  EXPECT_EQ(run.model.layers, 4);
  EXPECT_EQ(run.model.heads, 4);
  EXPECT_EQ(run.model.width, 128);
  EXPECT_EQ(run.model.ffn_channels(), 512);
  EXPECT_EQ(run.model.context, 64);
  EXPECT_EQ(run.model.dropout, 0);
  EXPECT_EQ(run.train.batch, 12);
  EXPECT_EQ(run.train.steps, 2000);
  EXPECT_EQ(run.decay_steps(), 2000);
  EXPECT_EQ(run.optim.warmup_steps, 100);
  EXPECT_EQ(run.optim.learning_rate, 1e-3);
  EXPECT_EQ(run.optim.min_lr_ratio, 0.1);
  EXPECT_EQ(run.optim.beta2, 0.99);
  EXPECT_EQ(run.optim.weight_decay, 0.1);
  EXPECT_EQ(run.optim.clip_norm, 1.0);
  EXPECT_TRUE(run.optim.decay_embeddings);
}

TEST(Shipped, DemosDifferInDepthOnly) {
  const RunConfig dense = experiment("demo-dense");
  for (const char* name : {"demo-tsa", "demo-mod"}) {
    RunConfig run = experiment(name);
    EXPECT_NE(run.depth.policy, DepthPolicy::Dense);
    run.depth = dense.depth;
    run.name = dense.name;
    EXPECT_EQ(digest_text(run, config::DigestOf::Everything), digest_text(dense, config::DigestOf::Everything)) << name;
  }
}

/// A size's three files, of which the first bears its name.
class ShippedSize : public testing::TestWithParam<std::vector<std::string>> {};

TEST_P(ShippedSize, IsOneModelUnderThreeMethods) {
  const RunConfig named = experiment(GetParam()[0]);
  std::set<DepthPolicy> policies;
  for (const std::string& name : GetParam()) {
    RunConfig run = experiment(name);
    policies.insert(run.depth.policy);
    const std::int64_t kept = run.depth.mixture_of_depths.tokens_kept(run.model.context);
    EXPECT_EQ(kept, run.model.context / 8) << name;
    run.depth = named.depth;
    run.name = named.name;
    EXPECT_EQ(digest_text(run, config::DigestOf::Everything), digest_text(named, config::DigestOf::Everything)) << name;
  }
  EXPECT_EQ(policies, (std::set{DepthPolicy::Dense, DepthPolicy::TokenSelective, DepthPolicy::MixtureOfDepths}));
  const bool is_modern = GetParam()[0].starts_with("mod-");
  EXPECT_EQ(named.model.family, is_modern ? Family::Modern : Family::Paper);
  EXPECT_EQ(named.system.dtype, is_modern ? DTypeChoice::Bf16 : DTypeChoice::F32);
}

INSTANTIATE_TEST_SUITE_P(Of, ShippedSize,
                         testing::Values(std::vector<std::string>{"tsa-paper", "tsa-paper-dense", "tsa-paper-mod"},
                                         std::vector<std::string>{"gpt2-124m", "gpt2-124m-tsa", "gpt2-124m-mod"},
                                         std::vector<std::string>{"gpt2-350m", "gpt2-350m-tsa", "gpt2-350m-mod"},
                                         std::vector<std::string>{"mod-220m", "mod-220m-dense", "mod-220m-tsa"},
                                         std::vector<std::string>{"mod-1b", "mod-1b-dense", "mod-1b-tsa"}));

}  // namespace
}  // namespace isobath
