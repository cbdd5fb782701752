// The rules of a run that look at more than one field.

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "configs/yaml/run_config.hpp"
#include "tests/configs/support.hpp"

namespace isobath {
namespace {

using Lines = std::vector<std::string>;

Lines mistakes_of_run(const std::string& yaml) {
  return test::lines_of(test::issues_of([&] { parse_run_config(yaml, "a.yaml", {"data.path=x"}); }));
}

TEST(RunRules, WidthIsAMultipleOfHeads) {
  EXPECT_EQ(mistakes_of_run("model: {heads: 7}\n"),
            Lines{"a.yaml:1:9: model.width: expected a multiple of model.heads = 7, "
                  "found 256; choose a width of 252 or 259, or "
                  "another number of heads"});
  EXPECT_EQ(
      mistakes_of_run("model: {width: 4}\n"),
      Lines{"a.yaml:1:9: model.width: expected a multiple of model.heads = 8, found 4; choose a width of 8, or another "
            "number of heads"});
}

TEST(RunRules, ACapacitySelectsAToken) {
  const std::string policy = "depth: {policy: mixture_of_depths, mixture_of_depths: {capacity: ";
  EXPECT_EQ(
      mistakes_of_run(policy + "0.0078}}\n"),
      Lines{"a.yaml:1:56: depth.mixture_of_depths.capacity: expected a share that selects at least one of "
            "model.context = "
            "128 tokens, found 0.0078, which selects none; choose at least 0.0078125 (1 of 128), or a longer context"});
  EXPECT_EQ(mistakes_of_run(policy + "0.0078125}}\n"), Lines{});
  EXPECT_EQ(mistakes_of_run("depth: {mixture_of_depths: {capacity: 0.001}}\n"), Lines{}) << "no routed block, no rule";
}

TEST(RunRules, TokensKeptForgivesTheRoundingOfADecimal) {
  const auto kept = [](double capacity, std::int64_t context) {
    MixtureOfDepthsConfig mixture;
    mixture.capacity = capacity;
    return mixture.tokens_kept(context);
  };
  EXPECT_EQ(kept(0.125, 2048), 256);
  EXPECT_EQ(kept(0.29, 100), 29) << "0.29 * 100 is 28.999999999999996";
  EXPECT_EQ(kept(0.999, 100), 99);
  EXPECT_EQ(kept(1.0, 77), 77);
  for (int percent = 1; percent <= 100; ++percent) EXPECT_EQ(kept(percent / 100.0, 100), percent);
  for (std::int64_t context = 1; context < 3000; ++context)
    EXPECT_EQ(kept(1.0 / static_cast<double>(context), context), 1);
}

TEST(RunRules, CudnnTakesBf16AndHeadsThatItHasKernelsFor) {
  EXPECT_EQ(mistakes_of_run("system: {attention: cudnn}\n"),
            Lines{"a.yaml:1:10: system.attention: expected own, or system.dtype: bf16, found cudnn with system.dtype: "
                  "f32; cuDNN has no attention in f32: set system.dtype: bf16, or system.attention: own"});
  const std::string cudnn = "system: {attention: cudnn, dtype: bf16}\n";
  EXPECT_EQ(mistakes_of_run(cudnn + "model: {width: 256, heads: 2}\n"), Lines{});
  for (const auto& [shape, columns] : {std::pair("{width: 240, heads: 20}", "12"), {"{width: 136, heads: 1}", "136"}})
    EXPECT_EQ(mistakes_of_run(cudnn + "model: " + shape + "\n"),
              Lines{std::string("a.yaml:1:10: system.attention: expected own, or heads of a multiple of 8 columns, at "
                                "most 128, found cudnn with heads of ") +
                    columns + "; set system.attention: own, or choose another model.heads"});
}

TEST(RunRules, GraphsNeedWorkThatIsTheSameInEveryStep) {
  const std::string graph = "system: {cuda_graph: micro_batch, dtype: bf16";
  EXPECT_EQ(mistakes_of_run(graph + "}\nparallel: {zero: 1}\ndepth: {policy: mixture_of_depths}\n"), Lines{});
  EXPECT_EQ(mistakes_of_run(graph + "}\nparallel: {zero: 2}\n"),
            Lines{"a.yaml:1:10: system.cuda_graph: expected none, or parallel.zero of 0 or 1, found micro_batch with "
                  "parallel.zero: 2; divided gradients have no lasting place: set parallel.zero: 1, or "
                  "system.cuda_graph: none"});
  EXPECT_EQ(
      mistakes_of_run(graph + "}\ndepth: {policy: replay, replay: {trace: a.h5}}\n"),
      Lines{"a.yaml:1:10: system.cuda_graph: expected none, or a depth.policy other than replay, found micro_batch "
            "with depth.policy: replay; what a recorded trace chooses differs in size from step to step: set "
            "system.cuda_graph: none"});
  EXPECT_EQ(mistakes_of_run(graph + ", attention: cudnn}\n"),
            Lines{"a.yaml:1:10: system.cuda_graph: expected none, or system.attention: own, found micro_batch with "
                  "system.attention: cudnn; calls of cuDNN are not recorded: set system.attention: own, or "
                  "system.cuda_graph: none"});
}

TEST(RunRules, RoutedBlocksExist) {
  EXPECT_EQ(
      mistakes_of_run("model: {layers: 2}\ndepth:\n  policy: mixture_of_depths\n  mixture_of_depths:\n    first: 2\n"),
      Lines{"a.yaml:5:5: depth.mixture_of_depths.first: expected an index below model.layers = 2, found 2; "
            "choose an earlier "
            "block, or policy dense"});
  EXPECT_EQ(
      mistakes_of_run("model: {layers: 2}\ndepth:\n  policy: token_selective\n  token_selective: {stem: 3}\n"),
      Lines{
          "a.yaml:4:21: depth.token_selective.stem: expected at most model.layers = 2, found 3; lower the stem, or add "
          "layers"});
  EXPECT_EQ(mistakes_of_run("model: {layers: 2}\ndepth: {policy: token_selective, token_selective: {stem: 2}}\n"),
            Lines{});
  EXPECT_EQ(mistakes_of_run("model: {layers: 1}\ndepth: {policy: dense}\n"), Lines{});
}

TEST(RunRules, ReplayNeedsATrace) {
  EXPECT_EQ(
      mistakes_of_run("depth: {policy: replay}\n"),
      Lines{"a.yaml:1:9: depth.replay.trace: expected the file of a recorded trace, for depth.policy is replay, found "
            "nothing; set depth.replay.trace, or choose another depth.policy"});
  EXPECT_EQ(mistakes_of_run("depth: {policy: replay, replay: {trace: t.h5}}\n"), Lines{});
}

TEST(RunRules, PartsHaveSequencesAndWarmUpEnds) {
  EXPECT_EQ(mistakes_of_run("train: {micro_batches: 65}\n"),
            Lines{"a.yaml:1:9: train.micro_batches: expected at most train.batch = 64, found 65; every part needs a "
                  "sequence: use "
                  "fewer parts, or a larger batch"});
  EXPECT_EQ(mistakes_of_run("train: {steps: 10}\noptim: {warmup_steps: 11}\n"),
            Lines{"a.yaml:2:9: optim.warmup_steps: expected at most train.steps = 10, found 11; warm up for fewer "
                  "steps, or train "
                  "longer"});
  EXPECT_EQ(mistakes_of_run("optim: {warmup_steps: 11, decay_steps: 10}\n"),
            Lines{"a.yaml:1:9: optim.warmup_steps: expected at most optim.decay_steps = 10, found 11; decay_steps "
                  "counts from the "
                  "first step, warm-up included"});
}

TEST(RunRules, ACooldownFitsBehindTheWarmup) {
  EXPECT_EQ(
      mistakes_of_run("train: {steps: 20}\noptim: {schedule: wsd, warmup_steps: 8, cooldown_steps: 13}\n"),
      Lines{"a.yaml:2:41: optim.cooldown_steps: expected at most 12, the steps between the warm-up and the end of "
            "the decay, found 13; cool down or warm up for fewer steps, or train longer"});
  EXPECT_EQ(mistakes_of_run("train: {steps: 20}\noptim: {schedule: wsd, warmup_steps: 8, cooldown_steps: 12}\n"),
            Lines{});
}

TEST(RunRules, AHeldOutBlockHoldsAWindow) {
  EXPECT_EQ(mistakes_of_run("data: {validation_block: 128}\n"),
            Lines{"a.yaml:1:8: data.validation_block: expected more than model.context = 128, found 128; a held-out "
                  "block must hold "
                  "a window and its targets: use a larger block"});
  EXPECT_EQ(mistakes_of_run("data: {validation_block: 129}\n"), Lines{});
  EXPECT_EQ(mistakes_of_run("data: {validation_block: 128, validation_path: val.bin}\n"), Lines{});
}

TEST(RunRules, ANameIsOneFolder) {
  for (const std::string name : {"a/b", "..", "."})
    EXPECT_EQ(mistakes_of_run("name: \"" + name + "\"\n").size(), 1u) << name;
  EXPECT_EQ(mistakes_of_run("name: a.b-c\n"), Lines{});
}

}  // namespace
}  // namespace isobath
