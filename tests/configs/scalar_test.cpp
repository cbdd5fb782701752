// Numbers, booleans and text: what is taken, what is refused, and that what is printed reads back.

#include <cmath>
#include <limits>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "configs/schema/fields/scalar_text.hpp"
#include "configs/yaml/parse.hpp"

namespace isobath::config {
namespace {

Node plain(const std::string& text) { return scalar_node(text, Quoting::Plain, {"a.yaml", 1, 1}); }

template <class T>
std::optional<T> read_plain(const std::string& text, const FieldRule& rule = anything()) {
  T value{};
  if (read(plain(text), rule, value)) return std::nullopt;
  return value;
}

TEST(Integer, TakesDecimalDigits) {
  EXPECT_EQ(read_plain<std::int64_t>("0"), 0);
  EXPECT_EQ(read_plain<std::int64_t>("-17"), -17);
  EXPECT_EQ(read_plain<std::int64_t>("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(read_plain<std::int64_t>("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
}

TEST(Integer, TakesExponentsOfWholeValue) {
  EXPECT_EQ(read_plain<std::int64_t>("1e6"), 1000000);
  EXPECT_EQ(read_plain<std::int64_t>("3e4"), 30000);
  EXPECT_EQ(read_plain<std::int64_t>("2.5e1"), 25);
  EXPECT_EQ(read_plain<std::int64_t>("6.0"), 6);
}

TEST(Integer, RefusesWhatIsNoWholeNumber) {
  for (const char* text : {"",
                           "010",
                           "-010",
                           "+5",
                           "0x10",
                           "0o17",
                           "1_000",
                           "1,000",
                           "2.5",
                           "1e-1",
                           "1e300",
                           "ten",
                           "9223372036854775808",
                           "5 ",
                           " 5",
                           "5a",
                           "nan",
                           "inf",
                           "true",
                           "1e",
                           "--1",
                           "1e16"})
    EXPECT_FALSE(read_plain<std::int64_t>(text)) << text;
}

TEST(Number, TakesDecimalsAndExponents) {
  EXPECT_EQ(read_plain<double>("3e-4"), 3e-4);
  EXPECT_EQ(read_plain<double>("0.1"), 0.1);
  EXPECT_EQ(read_plain<double>("5"), 5.0);
  EXPECT_EQ(read_plain<double>("-1.0"), -1.0);
  EXPECT_EQ(read_plain<double>(".5"), 0.5);
  EXPECT_EQ(read_plain<double>("1E3"), 1000.0);
}

TEST(Number, RefusesWhatIsNotFiniteOrNotDecimal) {
  for (const char* text : {"", "nan", ".nan", "inf", ".inf", "-inf", "1e999", "0x1p3", "1.2.3", "00.5", "+1", "1e",
                           "e5", "1_0", "0,5", "-", "."})
    EXPECT_FALSE(read_plain<double>(text)) << text;
}

TEST(Boolean, TakesTwoWordsOnly) {
  EXPECT_EQ(read_plain<bool>("true"), true);
  EXPECT_EQ(read_plain<bool>("false"), false);
  for (const char* text : {"yes", "no", "on", "off", "True", "TRUE", "y", "1", "0", ""})
    EXPECT_FALSE(read_plain<bool>(text)) << text;
}

TEST(Quoted, IsTextAndNothingElse) {
  const Node node = scalar_node("6", Quoting::Quoted, {"a.yaml", 1, 1});
  std::int64_t integer = -1;
  double number = -1;
  bool boolean = true;
  std::string text;
  const auto problem = read(node, anything(), integer);
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->found, "the text \"6\"");
  EXPECT_EQ(problem->hint, "remove the quotes");
  EXPECT_TRUE(read(node, anything(), number));
  EXPECT_TRUE(read(scalar_node("true", Quoting::Quoted, {}), anything(), boolean));
  EXPECT_FALSE(read(node, anything(), text));
  EXPECT_EQ(text, "6");
  EXPECT_EQ(integer, -1);
}

TEST(Rule, BoundsAreOpenOrClosed) {
  EXPECT_TRUE(read_plain<double>("1", in(0, 1)));
  EXPECT_TRUE(read_plain<double>("0", in(0, 1)));
  EXPECT_FALSE(read_plain<double>("0", above(0).up_to(1)));
  EXPECT_TRUE(read_plain<double>("1", above(0).up_to(1)));
  EXPECT_FALSE(read_plain<double>("1", at_least(0).below(1)));
  EXPECT_TRUE(read_plain<double>("0.999", at_least(0).below(1)));
  EXPECT_FALSE(read_plain<std::int64_t>("0", at_least(1)));
}

TEST(Rule, IsNamedInTheMessage) {
  EXPECT_EQ(describe("a number", in(0, 1)), "a number in [0, 1]");
  EXPECT_EQ(describe("a number", above(0).up_to(1)), "a number in (0, 1]");
  EXPECT_EQ(describe("a number", at_least(0).below(1)), "a number in [0, 1)");
  EXPECT_EQ(describe("an integer", at_least(1)), "an integer of at least 1");
  EXPECT_EQ(describe("a number", above(0)), "a number above 0");
  EXPECT_EQ(describe("text", not_empty()), "text that is not empty");
  EXPECT_EQ(describe("an integer", one_of({"1", "2"})), "an integer, one of 1, 2");
}

TEST(Rule, ChoicesHoldForNumbersAndText) {
  EXPECT_TRUE(read_plain<std::int64_t>("2", one_of({"1", "2"})));
  EXPECT_FALSE(read_plain<std::int64_t>("3", one_of({"1", "2"})));
  std::string text;
  const auto problem = read(plain("constat"), one_of({"cosine", "constant"}), text);
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->hint, "did you mean constant?");
}

TEST(Print, IsShort) {
  EXPECT_EQ(print(3e-4), "3e-4");
  EXPECT_EQ(print(1e-8), "1e-8");
  EXPECT_EQ(print(25.0), "25");
  EXPECT_EQ(print(0.125), "0.125");
  EXPECT_EQ(print(1e300), "1e300");
  EXPECT_EQ(print(std::string("datasets/shakespeare-1.0")), "datasets/shakespeare-1.0");
  for (const char* text : {"", "no", "True", "null", "auto", "6", "010", "a: b", "- x", "#", "a b", "~", "[x"})
    EXPECT_EQ(print(std::string(text)).front(), '"') << text;
}

/// Through the whole way: printed, written into a file, parsed, read.
template <class T>
bool survives(const T& value) {
  Node root;
  Issues issues;
  if (parse("key: " + print(value) + "  # comment\n", "a.yaml", root, issues) != Parsed::Whole) return false;
  T back{};
  return issues.empty() && !read(root.map.at(0).value, anything(), back) && back == value;
}

TEST(Print, ReadsBackAsTheSameValue) {
  EXPECT_TRUE(rc::check("double", [](double value) {
    RC_PRE(std::isfinite(value));
    RC_ASSERT(survives(value));
  }));
  EXPECT_TRUE(rc::check("integer", [](std::int64_t value) { RC_ASSERT(survives(value)); }));
  EXPECT_TRUE(rc::check("boolean", [](bool value) { RC_ASSERT(survives(value)); }));
}

TEST(Print, TextReadsBackWhateverItHolds) {
  const auto ascii =
      rc::gen::container<std::string>(rc::gen::map(rc::gen::inRange(0, 128), [](int c) { return char(c); }));
  EXPECT_TRUE(rc::check("text", [&] { RC_ASSERT(survives(*ascii)); }));
  for (const char* text :
       {"\xc3\xa9t\xc3\xa9", "\xe2\x80\xa8line", "\xf0\x9f\x99\x82", "\xef\xbb\xbfmark", "a\tb", "\\n", "'", "\""})
    EXPECT_TRUE(survives(std::string(text))) << text;
}

}  // namespace
}  // namespace isobath::config
