// Every kind of mistake in the values of a run, each at its place, all at once.

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "configs/schema/document/nearest.hpp"
#include "configs/yaml/run_config.hpp"
#include "tests/configs/support.hpp"

namespace isobath {
namespace {

using Lines = std::vector<std::string>;

Lines mistakes(const std::string& yaml, const std::vector<std::string>& overrides = {"data.path=x"}) {
  return test::lines_of(test::issues_of([&] { parse_run_config(yaml, "a.yaml", overrides); }));
}

TEST(UnknownKey, NamesTheNearestOfItsSection) {
  EXPECT_EQ(mistakes("model:\n  layer: 3\n"),
            Lines{"a.yaml:2:3: model.layer: unknown key; did you mean model.layers?"});
  EXPECT_EQ(mistakes("sede: 3\n"), Lines{"a.yaml:1:1: sede: unknown key; did you mean seed?"});
  EXPECT_EQ(mistakes("modle: {layers: 3}\n"), Lines{"a.yaml:1:1: modle: unknown key; did you mean model?"});
  EXPECT_EQ(mistakes("optim:\n  lr: 3e-4\n"),
            Lines{"a.yaml:2:3: optim.lr: unknown key; did you mean optim.learning_rate?"});
}

TEST(UnknownKey, NamesTheSectionWhereItBelongs) {
  EXPECT_EQ(mistakes("learning_rate: 3e-4\n"),
            Lines{"a.yaml:1:1: learning_rate: unknown key; did you mean optim.learning_rate?"});
  EXPECT_EQ(mistakes("depth: {capacity: 0.5}\n"),
            Lines{"a.yaml:1:9: depth.capacity: unknown key; did you mean depth.mixture_of_depths.capacity?"});
  EXPECT_EQ(mistakes("model: {steps: 5}\n"), Lines{"a.yaml:1:9: model.steps: unknown key; did you mean train.steps?"});
  EXPECT_EQ(mistakes("data: {batch: 5}\n"),
            Lines{"a.yaml:1:8: data.batch: unknown key; did you mean train.batch or evaluation.batch?"});
  EXPECT_EQ(mistakes("train: {weight_decy: 5}\n"),
            Lines{"a.yaml:1:9: train.weight_decy: unknown key; did you mean optim.weight_decay?"});
}

TEST(UnknownKey, ListsTheSectionWhenNothingIsNear) {
  EXPECT_EQ(mistakes("system: {quux: 5}\n"),
            Lines{"a.yaml:1:10: system.quux: unknown key; known keys of system: device, dtype, attention, cuda_graph, "
                  "threads, bind"});
}

TEST(UnknownKey, DotsAreForTheCommandLine) {
  EXPECT_EQ(mistakes("train.steps: 5\n"),
            Lines{"a.yaml:1:1: train.steps: unknown key; in a file write nested sections instead of dots"});
}

TEST(UnknownKey, ExtendsStandsAtTheTopOnly) { EXPECT_EQ(mistakes("model: {extends: b.yaml}\n").size(), 1u); }

TEST(Nearest, CountsSwapsAsOneEdit) {
  EXPECT_EQ(config::edit_distance("layers", "layesr"), 1u);
  EXPECT_EQ(config::edit_distance("", "abc"), 3u);
  EXPECT_EQ(config::edit_distance("abc", ""), 3u);
  EXPECT_EQ(config::edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(config::edit_distance("same", "same"), 0u);
  EXPECT_EQ(config::nearest("xyz", {"abc"}), "");
  EXPECT_EQ(config::nearest("tsa", {"dense"}), "");
  EXPECT_EQ(config::nearest("denze", {"sense", "dense"}), "dense");
}

TEST(Value, OfAWrongTypeSaysBoth) {
  EXPECT_EQ(mistakes("model:\n  layers: six\n"),
            Lines{"a.yaml:2:11: model.layers: expected an integer in [1, 4096], found six; the default is 6"});
  EXPECT_EQ(mistakes("model:\n  layers: 010\n"),
            Lines{"a.yaml:2:11: model.layers: expected an integer in [1, 4096], found 010; remove the leading zero"});
  EXPECT_EQ(mistakes("train: {steps: 1_000}\n"), Lines{"a.yaml:1:16: train.steps: expected an integer of at least 0, "
                                                       "found 1_000; write digits only, without separators"});
  EXPECT_EQ(mistakes("checkpoint: {at_end: yes}\n"),
            Lines{"a.yaml:1:22: checkpoint.at_end: expected true or false, found yes; write true or false in small "
                  "letters, without quotes"});
  EXPECT_EQ(mistakes("model: {dropout: [0.1]}\n"),
            Lines{"a.yaml:1:18: model.dropout: expected a number in [0, 1), found a list of 1; write one value"});
  EXPECT_EQ(mistakes("seed:\n"),
            Lines{"a.yaml:1:1: seed: expected an integer of at least 0, found nothing; give a value, or "
                  "remove the line to keep the default"});
  EXPECT_EQ(mistakes("name: [a]\n"),
            Lines{"a.yaml:1:7: name: expected text that is not empty, found a list of 1; write one value"});
}

TEST(Value, OutOfRangeNamesTheRange) {
  EXPECT_EQ(mistakes("model: {dropout: 1}\n"),
            Lines{"a.yaml:1:18: model.dropout: expected a number in [0, 1), found 1; the default is 0.1"});
  EXPECT_EQ(
      mistakes("depth:\n  mixture_of_depths:\n    capacity: 0\n"),
      Lines{
          "a.yaml:3:15: depth.mixture_of_depths.capacity: expected a number in (0, 1], found 0; the default is 0.125"});
  EXPECT_EQ(mistakes("optim: {learning_rate: -1}\n"),
            Lines{"a.yaml:1:24: optim.learning_rate: expected a number in (0, 100], found -1; the default is 3e-4"});
}

TEST(Value, OfAnUnknownNameListsTheNames) {
  EXPECT_EQ(mistakes("depth: {policy: mixture_of_dephts}\n"),
            Lines{"a.yaml:1:17: depth.policy: expected one of dense, token_selective, mixture_of_depths, replay, found "
                  "mixture_of_dephts; did you mean mixture_of_depths?"});
  EXPECT_EQ(mistakes("system: {device: tpu}\n"),
            Lines{"a.yaml:1:18: system.device: expected one of cpu, cuda, found tpu; did you mean cpu?"});
  EXPECT_EQ(mistakes("depth: {policy: Dense}\n").size(), 1u);
}

TEST(Section, IsNoValue) {
  EXPECT_EQ(mistakes("model: 3\n"),
            Lines{"a.yaml:1:8: model: expected a section of `key: value` lines, found 3; write its keys "
                  "below it, indented"});
  EXPECT_EQ(mistakes("model:\n  layers:6\n"),
            Lines{"a.yaml:2:3: model: expected a section of `key: value` lines, found \"layers:6\"; "
                  "put a space behind the colon"});
}

TEST(Required, AValueThatNothingSetsIsAskedFor) {
  EXPECT_EQ(mistakes("seed: 1\n", {}),
            Lines{"a.yaml: data.path: expected a path, or a list of sources, found nothing; set data.path to a folder "
                  "made by isobath prepare, or to a token file"});
  EXPECT_EQ(mistakes("data: {path: \"\"}\n", {}),
            Lines{"a.yaml:1:8: data.path: expected a path, or a list of sources, found nothing; set data.path to a "
                  "folder made by isobath prepare, or to a token file"});
  EXPECT_EQ(mistakes("data: {path: x, sources: [a]}\n", {}).size(), 2U) << "both, and no weights";
  EXPECT_TRUE(mistakes("data: {sources: [a, b], weights: [1, 0.5]}\n", {}).empty());
}

TEST(All, MistakesComeAtOnceInTheOrderOfTheFile) {
  EXPECT_EQ(
      mistakes("model:\n  layers: six\n  width: 100\n  heads: 7\nseed: 1\nseed: 2\ntrain: {stepz: 1}\n"),
      (Lines{
          "a.yaml:2:11: model.layers: expected an integer in [1, 4096], found six; the default is 6",
          "a.yaml:3:3: model.width: expected a multiple of model.heads = 7, found 100; choose a width of 98 or 105, or "
          "another number of heads",
          "a.yaml:6:1: seed: duplicate key, first at a.yaml:5:1; remove one of the two",
          "a.yaml:7:9: train.stepz: unknown key; did you mean train.steps?"}));
}

TEST(All, TheErrorCarriesItsExitCodeAndEveryLine) {
  try {
    parse_run_config("sede: 1\nmodel: {layer: 1}\n", "a.yaml", {"data.path=x"});
    FAIL() << "two mistakes went through";
  } catch (const ConfigError& error) {
    EXPECT_EQ(ConfigError::kExitCode, 78);
    EXPECT_EQ(std::string(error.what()),
              "2 errors in the configuration:\n  a.yaml:1:1: sede: unknown key; did you mean seed?\n"
              "  a.yaml:2:9: model.layer: unknown key; did you mean model.layers?");
  }
}

}  // namespace
}  // namespace isobath
