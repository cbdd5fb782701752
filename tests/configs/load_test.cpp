// Files that extend files, and the command line on top.

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "configs/yaml/run_config.hpp"
#include "tests/configs/support.hpp"

namespace isobath {
namespace {

using Lines = std::vector<std::string>;
using test::TempFolder;

Lines mistakes_of_files(const std::string& path, const std::vector<std::string>& overrides = {}) {
  return test::lines_of(test::issues_of([&] { load_run_config(path, overrides); }));
}

TEST(Extends, LaterFilesWinKeyByKey) {
  const TempFolder folder;
  folder.write("base/a.yaml", "model: {layers: 3, width: 64, heads: 4}\ntrain: {steps: 7}\n");
  folder.write("base/b.yaml", "extends: a.yaml\nmodel: {layers: 4}\n");
  const std::string path = folder.write("c.yaml", "extends: base/b.yaml\nmodel: {heads: 8}\ndata: {path: x}\n");
  const ResolvedConfig run = load_run_config(path);
  EXPECT_EQ(run.config.model.layers, 4);
  EXPECT_EQ(run.config.model.width, 64);
  EXPECT_EQ(run.config.model.heads, 8);
  EXPECT_EQ(run.config.train.steps, 7);
  EXPECT_EQ(run.sources.at("model.layers"), (config::Mark{folder.path("base/b.yaml"), 2, 9}));
  EXPECT_EQ(run.sources.at("model.width"), (config::Mark{folder.path("base/a.yaml"), 1, 20}));
  EXPECT_EQ(run.files, (Lines{folder.path("base/a.yaml"), folder.path("base/b.yaml"), path}));
}

TEST(Extends, AListIsAppliedInOrder) {
  const TempFolder folder;
  folder.write("a.yaml", "seed: 1\ntrain: {steps: 1, batch: 8}\n");
  folder.write("b.yaml", "seed: 2\ntrain: {steps: 2}\n");
  const std::string path = folder.write("c.yaml", "extends: [a.yaml, b.yaml]\ndata: {path: x}\n");
  const RunConfig run = load_run_config(path).config;
  EXPECT_EQ(run.seed, 2);
  EXPECT_EQ(run.train.steps, 2);
  EXPECT_EQ(run.train.batch, 8);
}

TEST(Extends, TwoWaysToOneFileAreNoCycle) {
  const TempFolder folder;
  folder.write("root.yaml", "seed: 5\n");
  folder.write("a.yaml", "extends: root.yaml\n");
  folder.write("b.yaml", "extends: root.yaml\n");
  const std::string path = folder.write("c.yaml", "extends: [a.yaml, b.yaml]\ndata: {path: x}\n");
  EXPECT_EQ(load_run_config(path).config.seed, 5);
}

TEST(Extends, ACycleNamesTheChain) {
  const TempFolder folder;
  const std::string a = folder.write("a.yaml", "seed: 1\nextends: b.yaml\n");
  const std::string b = folder.write("b.yaml", "extends: ./c.yaml\n");
  const std::string c =
      folder.write("c.yaml", "extends: ../" + std::filesystem::path(a).parent_path().filename().string() + "/a.yaml\n");
  EXPECT_EQ(mistakes_of_files(a), Lines{c + ":1:10: extends: expected files that do not extend themselves, found " + a +
                                        " -> " + b + " -> " + c + " -> " + a + "; cut the circle at one of them"});
}

TEST(Extends, AMissingFileIsNamedWithTheLineThatAsksForIt) {
  const TempFolder folder;
  folder.write("base.yaml", "seed: 1\n");
  const std::string path = folder.write("c.yaml", "\nextends: bas.yaml\n");
  EXPECT_EQ(mistakes_of_files(path),
            Lines{path + ":2:10: extends: expected a file that can be read, found \"" + folder.path("bas.yaml") +
                  "\", which does not exist; did you mean " + folder.path("base.yaml") + "?"});
}

TEST(Extends, TakesPathsOnly) {
  const TempFolder folder;
  const std::string path = folder.write("c.yaml", "extends: {a: b}\ndata: {path: x}\n");
  EXPECT_EQ(mistakes_of_files(path),
            Lines{path + ":1:10: extends: expected the path of a file, or a list of them, found a section; write "
                         "extends: base.yaml"});
}

TEST(Extends, AMistakeInABaseIsMarkedThere) {
  const TempFolder folder;
  const std::string base = folder.write("base.yaml", "# base\nmodel:\n  layer: 3\n");
  const std::string path = folder.write("c.yaml", "extends: base.yaml\nmodel: {width: 0}\ndata: {path: x}\n");
  EXPECT_EQ(mistakes_of_files(path),
            (Lines{base + ":3:3: model.layer: unknown key; did you mean model.layers?",
                   path + ":2:16: model.width: expected an integer in [1, 1048576], found 0; the default is 256"}));
}

TEST(Extends, AValueUnderASectionIsNotHidden) {
  const TempFolder folder;
  const std::string base = folder.write("base.yaml", "model: 3\n");
  const std::string path = folder.write("c.yaml", "extends: base.yaml\nmodel: {layers: 3}\ndata: {path: x}\n");
  EXPECT_EQ(mistakes_of_files(path),
            Lines{base + ":1:8: model: expected a section, as " + path +
                  ":2:8 has it, found 3; write its keys below it, indented, with a space behind each colon"});
}

TEST(Load, SaysWhyAFileCannotBeRead) {
  const TempFolder folder;
  const std::string there = folder.write("tiny.yaml", "seed: 1\n");
  EXPECT_EQ(mistakes_of_files(folder.path("tinny.yaml")),
            Lines{folder.path("tinny.yaml") +
                  ": expected a file that can be read, found one that does not exist; did you mean " + there + "?"});
  const std::string directory = std::filesystem::path(there).parent_path().string();
  EXPECT_EQ(mistakes_of_files(directory),
            Lines{directory + ": expected a file that can be read, found one that is a folder; name a file in it"});
  EXPECT_EQ(mistakes_of_files(folder.path("no/such/folder.yaml")).size(), 1u);
}

TEST(Load, AFileThatIsNoMapIsRefused) {
  const TempFolder folder;
  const std::string list = folder.write("a.yaml", "- a\n- b\n");
  EXPECT_EQ(mistakes_of_files(list, {"data.path=x"}),
            Lines{list + ":1:1: expected `key: value` lines, found a list of 2; is this the right file?"});
  const std::string glued = folder.write("b.yaml", "seed:3\n");
  EXPECT_EQ(mistakes_of_files(glued, {"data.path=x"}),
            Lines{glued + ":1:1: expected `key: value` lines, found \"seed:3\"; put a space behind the colon"});
}

TEST(Load, AnEmptyFileIsAllDefaults) {
  const TempFolder folder;
  const std::string path = folder.write("a.yaml", "# nothing\nmodel:\n");
  EXPECT_EQ(load_run_config(path, {"data.path=x"}).config.model.layers, ModelConfig{}.layers);
}

TEST(Override, LastWinsAndIsMarkedAsCommandLine) {
  const TempFolder folder;
  const std::string path = folder.write("a.yaml", "data: {path: x}\ntrain: {steps: 5}\n");
  const ResolvedConfig run = load_run_config(
      path, {"train.steps=6", "train.steps=7", "name=some thing", "data.path=a=b", "optim.learning_rate=1e-4"});
  EXPECT_EQ(run.config.train.steps, 7);
  EXPECT_EQ(run.config.name, "some thing");
  EXPECT_EQ(run.config.data.path, "a=b");
  EXPECT_EQ(run.config.optim.learning_rate, 1e-4);
  EXPECT_EQ(config::to_string(run.sources.at("train.steps")), "command line");
}

TEST(Override, QuotedAndEmptyTextIsText) {
  const TempFolder folder;
  const std::string path = folder.write("a.yaml", "data: {path: x, validation_path: y}\n");
  const ResolvedConfig run = load_run_config(path, {"data.validation_path=", "name=\"a # b\""});
  EXPECT_EQ(run.config.data.validation_path, "");
  EXPECT_EQ(run.config.name, "a # b");
}

TEST(Override, ASectionMergesAsInAFile) {
  const TempFolder folder;
  const std::string path = folder.write("a.yaml", "data: {path: x}\nmodel: {layers: 2}\n");
  const RunConfig run = load_run_config(path, {"model={width: 64, heads: 2}"}).config;
  EXPECT_EQ(run.model.layers, 2);
  EXPECT_EQ(run.model.width, 64);
}

TEST(Override, MistakesAreMarkedAsCommandLine) {
  const TempFolder folder;
  const std::string path = folder.write("a.yaml", "data: {path: x}\n");
  EXPECT_EQ(mistakes_of_files(path, {"train.stepz=5"}),
            Lines{"command line: train.stepz: unknown key; did you mean train.steps?"});
  EXPECT_EQ(
      mistakes_of_files(path, {"train.steps=\"5\""}),
      Lines{"command line: train.steps: expected an integer of at least 0, found the text \"5\"; remove the quotes"});
  EXPECT_EQ(mistakes_of_files(path, {"train.steps=[1,2]"}),
            Lines{"command line: train.steps: expected an integer of at least 0, found a list of 2; write one value"});
  EXPECT_EQ(mistakes_of_files(path, {"seed.x=1"}),
            Lines{"command line: seed: expected an integer of at least 0, found a section; write one value"});
  EXPECT_EQ(mistakes_of_files(path, {"model=[1"}).size(), 1u);
  for (const std::string bad : {"steps", "=5", ".a=1", "a.=1", "a..b=1"})
    EXPECT_EQ(mistakes_of_files(path, {bad}),
              Lines{"command line: expected key=value, with dots between section and key, found \"" + bad +
                    "\"; write for example train.steps=100"});
  EXPECT_EQ(mistakes_of_files(path, {std::string(100000, 'a') + "=1"}).size(), 1u);
}

}  // namespace
}  // namespace isobath
