// Every type that a field may have, in one object: enumerations, lists, optional values, nested sections, rules across
// fields.

#include <array>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "configs/schema/fields/agreement.hpp"
#include "configs/schema/fields/decode.hpp"
#include "configs/schema/fields/dump.hpp"
#include "configs/yaml/load.hpp"
#include "tests/configs/support.hpp"

namespace isobath::config {
namespace {

enum class Color { Red, Green };
constexpr auto enum_names(Color) { return std::array{EnumName{Color::Red, "red"}, EnumName{Color::Green, "green"}}; }

struct Inner {
  std::vector<double> shares{0.5, 1};
  std::vector<Color> colors;
  std::vector<bool> flags;
  std::vector<std::string> words;
  std::vector<std::vector<std::int64_t>> table;

  static void fields(auto& self, auto&& field) {
    using enum OnResume;
    field("shares", self.shares, in(0, 1), Same, "shares");
    field("colors", self.colors, anything(), Same, "colours");
    field("flags", self.flags, anything(), Same, "flags");
    field("words", self.words, anything(), Same, "words");
    field("table", self.table, at_least(0), Same, "rows");
  }
};

struct Outer {
  std::optional<std::int64_t> threads;
  std::optional<std::string> label;
  std::int64_t low = 1;
  std::int64_t high = 2;
  Inner inner;

  static void fields(auto& self, auto&& field) {
    using enum OnResume;
    field("threads", self.threads, at_least(1), MayChange, "threads");
    field("label", self.label, anything(), Same, "a name");
    field("low", self.low, at_least(0), Same, "lower end");
    field("high", self.high, at_least(0), Same, "upper end");
    field("inner", self.inner, "a section");
  }
  void check(Checker& checker) const {
    checker.rule(low < high, {"low", "high"}, {"less than high", print(low), "lower it"});
  }
};

struct Decoded {
  Outer object;
  Sources sources;
  Issues issues;
};

Decoded decode_text(const std::string& yaml) {
  Decoded out;
  Document document = load_text(yaml, "a.yaml");
  out.issues = document.issues;
  out.sources = decode(document.root, bind(out.object), {"a.yaml", 0, 0}, out.issues);
  return out;
}

std::vector<std::string> mistakes(const std::string& yaml) { return test::lines_of(decode_text(yaml).issues); }

TEST(Codec, ListsOfEveryType) {
  const Decoded out = decode_text(
      "inner:\n  shares: [0, 0.25]\n  colors: [green, red]\n  flags:\n    - true\n    - false\n"
      "  words: [a b, \"1\", auto]\n  table: [[1, 2], []]\n");
  EXPECT_EQ(test::lines_of(out.issues), std::vector<std::string>{});
  EXPECT_EQ(out.object.inner.shares, (std::vector<double>{0, 0.25}));
  EXPECT_EQ(out.object.inner.colors, (std::vector<Color>{Color::Green, Color::Red}));
  EXPECT_EQ(out.object.inner.flags, (std::vector<bool>{true, false}));
  EXPECT_EQ(out.object.inner.words, (std::vector<std::string>{"a b", "1", "auto"}));
  EXPECT_EQ(out.object.inner.table, (std::vector<std::vector<std::int64_t>>{{1, 2}, {}}));
}

TEST(Codec, AutoLeavesTheValueOpen) {
  EXPECT_EQ(decode_text("threads: auto\n").object.threads, std::nullopt);
  EXPECT_EQ(decode_text("threads: 3\n").object.threads, 3);
  EXPECT_EQ(decode_text("label: auto\n").object.label, std::nullopt);
  EXPECT_EQ(decode_text("label: \"auto\"\n").object.label, "auto");
  EXPECT_EQ(mistakes("threads: 0\n"),
            std::vector<std::string>{
                "a.yaml:1:10: threads: expected auto or an integer of at least 1, found 0; the default is auto"});
}

TEST(Codec, AnElementIsNamedByItsPlace) {
  EXPECT_EQ(mistakes("inner:\n  shares: [0.5,\n           7]\n"),
            std::vector<std::string>{
                "a.yaml:3:12: inner.shares: expected a number in [0, 1], found 7; the default is [0.5, 1]"});
  EXPECT_EQ(mistakes("inner: {shares: 0.5}\n"),
            std::vector<std::string>{
                "a.yaml:1:17: inner.shares: expected a list, each a number in [0, 1], found 0.5; write [a, b]"});
  EXPECT_EQ(mistakes("inner: {colors: [red, gren]}\n"),
            std::vector<std::string>{
                "a.yaml:1:23: inner.colors: expected one of red, green, found gren; did you mean green?"});
}

TEST(Codec, WhatIsDumpedReadsBack) {
  Decoded first = decode_text(
      "threads: 5\nlabel: \"auto\"\nlow: 3\nhigh: 9\ninner: {shares: [0.1], colors: [red], flags: [true], words: "
      "[\"x, y\", \"\"], table: [[3]]}\n");
  const std::string text = dump(bind(first.object), first.sources);
  Decoded second = decode_text(text);
  EXPECT_TRUE(second.issues.empty()) << text;
  EXPECT_EQ(digest_text(bind(first.object), DigestOf::Everything),
            digest_text(bind(second.object), DigestOf::Everything));
  EXPECT_EQ(second.object.inner.words, (std::vector<std::string>{"x, y", ""}));
}

TEST(Rules, CarryTheMarkOfTheFieldThatIsGiven) {
  EXPECT_EQ(mistakes("low: 5\n"),
            std::vector<std::string>{"a.yaml:1:1: low: expected less than high, found 5; lower it"});
  EXPECT_EQ(mistakes("\n\nhigh: 0\n"),
            std::vector<std::string>{"a.yaml:3:1: low: expected less than high, found 1; lower it"});
}

TEST(Rules, AreSilentAboutAFieldThatHasAnErrorAlready) {
  EXPECT_EQ(
      mistakes("low: 5\nhigh: -1\n"),
      std::vector<std::string>{"a.yaml:2:7: high: expected an integer of at least 0, found -1; the default is 2"});
}

TEST(Decode, AFieldWithAMistakeKeepsItsDefault) {
  const Decoded out = decode_text("low: nine\nthreads: 4\n");
  EXPECT_EQ(out.object.low, 1);
  EXPECT_EQ(out.object.threads, 4);
  EXPECT_FALSE(out.sources.contains("low"));
  EXPECT_EQ(out.sources.at("threads"), (Mark{"a.yaml", 2, 1}));
}

}  // namespace
}  // namespace isobath::config
