// The configurations that come with the program load, and say what their names promise.

#include <filesystem>
#include <string>

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

}  // namespace
}  // namespace isobath
