// What is done with a configuration that was read: shown, hashed, compared, documented.

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "configs/schema/fields/schema.hpp"
#include "configs/yaml/run_config.hpp"
#include "tests/configs/support.hpp"

namespace isobath {
namespace {

using config::DigestOf;
using Lines = std::vector<std::string>;

ResolvedConfig resolved(const std::vector<std::string>& overrides, const std::string& yaml = "data: {path: x}\n") {
  return parse_run_config(yaml, "a.yaml", overrides);
}

/// Another legal value for each field, so that a test that walks all fields sees each of them change.
std::string other_value(const config::Field& field) {
  const std::string now = field.text();
  if (field.path == "model.biases" || field.path == "model.tied_head") {  // auto means true in the default family
    EXPECT_FALSE(field.read(config::scalar_node("false", config::Quoting::Plain, {})));
    return "false";
  }
  for (const char* candidate : {"2",
                                "1",
                                "0.5",
                                "0.25",
                                "true",
                                "false",
                                "constant",
                                "attention",
                                "before_block",
                                "normalised",
                                "token_selective",
                                "llmc",
                                "size",
                                "cuda",
                                "bf16",
                                "cudnn",
                                "micro_batch",
                                "256",
                                "auto",
                                "block",
                                "none",
                                "stop",
                                "linear",
                                "modern",
                                "rope",
                                "rms_norm",
                                "swiglu",
                                "elsewhere"}) {
    if (candidate == now) continue;
    const config::Node node = config::scalar_node(candidate, config::Quoting::Plain, {});
    if (!field.read(node) && field.text() != now) return candidate;
    config::Node list;
    list.kind = config::Node::Kind::List;
    list.list = {node};
    if (!field.read(list) && field.text() != now) return std::string("[") + candidate + "]";
  }
  return "";
}

TEST(Dump, ShowsTheSourceOfEveryValue) {
  const std::string text = dump(resolved({"train.steps=7"}, "# c\nmodel:\n  layers: 3\ndata: {path: \"a b\"}\n"));
  EXPECT_NE(text.find("  layers: 3                             # a.yaml:3:3\n"), std::string::npos) << text;
  EXPECT_NE(text.find("  steps: 7                              # command line\n"), std::string::npos) << text;
  EXPECT_NE(text.find("  width: 256                            # default\n"), std::string::npos) << text;
  EXPECT_NE(text.find("  path: \"a b\"                           # a.yaml:4:8\n"), std::string::npos) << text;
}

TEST(Dump, ReadsBackAsTheSameConfiguration) {
  RunConfig changed;
  for (const config::Field& field : config::bind(changed).fields)
    if (field.path != "system.dtype") {
      EXPECT_NE(other_value(field), "") << field.path;
    }
  changed.system.dtype = DTypeChoice::F32;
  changed.system.attention = AttentionChoice::Own;  // cudnn needs bf16
  changed.parallel.zero = 1;                        // 2 goes without graphs
  changed.model.width = 14 * changed.model.heads;
  changed.model.mup_base_width = changed.model.width;
  changed.data.sources.clear();  // a run has a path or sources
  changed.data.weights.clear();
  changed.data.path = "a: b # c \"d\" \\ \n\t\xc3\xa9";
  const ResolvedConfig first{changed, {}, {}};
  const ResolvedConfig second = parse_run_config(dump(first), "config.yaml");
  EXPECT_EQ(digest_text(first.config, DigestOf::Everything), digest_text(second.config, DigestOf::Everything));
  EXPECT_EQ(second.config.data.path, changed.data.path);
  const RunConfig defaults;
  EXPECT_NE(digest_text(first.config, DigestOf::Everything), digest_text(defaults, DigestOf::Everything));
}

TEST(Digest, SeesEveryField) {
  const RunConfig defaults;
  const std::string everything = digest_text(defaults, DigestOf::Everything);
  const std::string kept = digest_text(defaults, DigestOf::KeptOnResume);
  RunConfig names;
  for (const config::Field& known : config::bind(names).fields) {
    RunConfig run;
    const config::Schema schema = config::bind(run);
    for (const config::Field& field : schema.fields)
      if (field.path == known.path) {
        ASSERT_NE(other_value(field), "") << field.path;
      }
    EXPECT_NE(digest_text(run, DigestOf::Everything), everything) << known.path;
    // train.steps is free, but the default cosine ends with it.
    const bool counts = known.on_resume == OnResume::Same || known.path == "train.steps";
    EXPECT_EQ(digest_text(run, DigestOf::KeptOnResume) != kept, counts) << known.path;
  }
}

TEST(Digest, IsOfWhatIsMeant) {
  RunConfig implied, spelled;
  spelled.model = spelled.model.resolved();
  EXPECT_EQ(spelled.model.ffn_width, 4 * spelled.model.width);
  spelled.optim.decay_steps = spelled.train.steps;
  EXPECT_EQ(digest_text(implied, DigestOf::Everything), digest_text(spelled, DigestOf::Everything));
}

TEST(Resume, WhatMayChangeChanges) {
  const RunConfig before = resolved({"optim.decay_steps=1000"}).config;
  const ResolvedConfig now = resolved({"optim.decay_steps=1000", "train.steps=5000", "train.log_every=7",
                                       "checkpoint.every=9", "system.threads=2", "evaluation.windows=5",
                                       "data.prefetch=0", "train.micro_batches=2", "output=elsewhere"});
  EXPECT_TRUE(diff_on_resume(before, now).empty());
  EXPECT_NO_THROW(require_resumable(before, now));
}

TEST(Resume, WhatMayNotChangeIsNamedWithBothValuesAndItsSource) {
  const RunConfig before = resolved({}).config;
  const ResolvedConfig now = resolved({"optim.learning_rate=1e-3"}, "data: {path: x}\nmodel:\n  layers: 8\n");
  const std::vector<config::ForbiddenChange> changes = diff_on_resume(before, now);
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0].path, "model.layers");
  EXPECT_EQ(changes[0].before, "6");
  EXPECT_EQ(changes[0].now, "8");
  EXPECT_EQ(changes[0].source, (config::Mark{"a.yaml", 3, 3}));
  EXPECT_EQ(test::lines_of(test::issues_of([&] { require_resumable(before, now); })),
            (Lines{"a.yaml:3:3: model.layers: expected 6 as in the run that is resumed, found 8; set model.layers=6, "
                   "or start a new "
                   "run under another name",
                   "command line: optim.learning_rate: expected 3e-4 as in the run that is resumed, found 0.001; set "
                   "optim.learning_rate=3e-4, or start a new run under another name"}));
}

TEST(Resume, AValueThatFellBackToItsDefaultIsAChangeToo) {
  const RunConfig before = resolved({"seed=9"}).config;
  EXPECT_EQ(test::lines_of(test::issues_of([&] { require_resumable(before, resolved({})); })),
            Lines{"default: seed: expected 9 as in the run that is resumed, found 1; set seed=9, or start a new run "
                  "under another "
                  "name"});
}

TEST(Resume, MoreStepsMayNotStretchTheCosine) {
  const RunConfig before = resolved({"train.steps=1000"}).config;
  EXPECT_EQ(test::lines_of(test::issues_of([&] { require_resumable(before, resolved({"train.steps=2000"})); })),
            Lines{"default: optim.decay_steps: expected 1000 as in the run that is resumed, found 2000; set "
                  "optim.decay_steps=1000, or start a new run under another name"});
  EXPECT_TRUE(diff_on_resume(before, resolved({"train.steps=2000", "optim.decay_steps=1000"})).empty());
  const RunConfig constant = resolved({"train.steps=1000", "optim.schedule=constant"}).config;
  EXPECT_TRUE(diff_on_resume(constant, resolved({"train.steps=2000", "optim.schedule=constant"})).empty());
}

TEST(Reference, HasARowForEveryFieldAndAHeadingForEverySection) {
  RunConfig defaults;
  const config::Schema schema = config::bind(defaults);
  const std::string markdown = config_reference();
  const std::string plain = config_help();
  std::size_t rows = 0;
  for (std::size_t at = markdown.find("\n| `"); at != std::string::npos; at = markdown.find("\n| `", at + 1)) ++rows;
  EXPECT_EQ(rows, schema.fields.size());
  for (const config::Field& field : schema.fields) {
    EXPECT_NE(markdown.find("| `" + field.path + "` | " + field.type + " | `" + field.text() + "` |"),
              std::string::npos)
        << field.path;
    EXPECT_NE(plain.find(field.path + " = " + field.text() + "\n    " + field.doc), std::string::npos) << field.path;
    EXPECT_FALSE(field.doc.empty()) << field.path;
  }
  for (const char* section : {"model", "depth.token_selective", "depth.mixture_of_depths", "system", "top level"})
    EXPECT_NE(markdown.find(std::string("## `") + section + "`"), std::string::npos) << section;
}

TEST(Defaults, KeepTheirOwnRules) {
  RunConfig run;
  for (const config::Field& field : config::bind(run).fields) {
    if (field.path == "data.path") continue;  // has no default: it must be given
    config::Node node =
        config::scalar_node(field.text() == "\"\"" ? "" : field.text(),
                            field.text() == "\"\"" ? config::Quoting::Quoted : config::Quoting::Plain, {});
    if (field.text() == "[]") node.kind = config::Node::Kind::List;
    EXPECT_FALSE(field.read(node)) << field.path << " = " << field.text();
  }
}

}  // namespace
}  // namespace isobath
