// YAML that could mean two things, or that yaml-cpp would read without a word, is refused at its place.

#include "configs/yaml/parse.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/configs/support.hpp"

namespace isobath::config {
namespace {

using Lines = std::vector<std::string>;

struct Read {
  Node root;
  Issues issues;
  Parsed parsed;
};

Read read_yaml(const std::string& text) {
  Read out;
  out.parsed = parse(text, "a.yaml", out.root, out.issues);
  return out;
}

Lines mistakes_of_yaml(const std::string& text) { return test::lines_of(read_yaml(text).issues); }

TEST(Parse, KeepsPlaceQuotesAndOrder) {
  const Read out = read_yaml("b: 1\na:\n  - \"x\"\n  - {k: 010}\n");
  ASSERT_TRUE(out.issues.empty());
  ASSERT_EQ(out.root.map.size(), 2u);
  EXPECT_EQ(out.root.map[0].key, "b");
  EXPECT_EQ(out.root.map[0].value.quoting, Quoting::Plain);
  const Node& list = out.root.map[1].value;
  ASSERT_EQ(list.list.size(), 2u);
  EXPECT_EQ(list.list[0].quoting, Quoting::Quoted);
  EXPECT_EQ(list.list[0].mark, (Mark{"a.yaml", 3, 5}));
  EXPECT_EQ(list.list[1].map[0].mark, (Mark{"a.yaml", 4, 6}));
  EXPECT_EQ(list.list[1].map[0].value.scalar, "010");
}

TEST(Parse, NothingIsKnownAsNothing) {
  for (const char* text : {"", "# only a comment\n", "---\n", "\xef\xbb\xbf"}) {
    const Read out = read_yaml(text);
    EXPECT_TRUE(out.issues.empty()) << text;
    EXPECT_EQ(out.root.kind, Node::Kind::Nothing) << text;
  }
  const Read out = read_yaml("a:\nb: ~\nc: null\nd: \"\"\n");
  EXPECT_EQ(out.root.map[0].value.kind, Node::Kind::Nothing);
  EXPECT_EQ(out.root.map[1].value.kind, Node::Kind::Nothing);
  EXPECT_EQ(out.root.map[2].value.kind, Node::Kind::Nothing);
  EXPECT_EQ(out.root.map[3].value.kind, Node::Kind::Scalar);
}

TEST(Parse, ADuplicateKeyNamesBothPlaces) {
  EXPECT_EQ(mistakes_of_yaml("a: 1\nb: 2\na: 3\n"),
            Lines{"a.yaml:3:1: a: duplicate key, first at a.yaml:1:1; remove one of the two"});
  EXPECT_EQ(mistakes_of_yaml("s:\n  t: {x: 1, y: 2, x: 3}\n"),
            Lines{"a.yaml:2:19: s.t.x: duplicate key, first at a.yaml:2:7; remove one of the two"});
  EXPECT_EQ(read_yaml("a: 1\na: 3\n").root.map.size(), 1u);
}

TEST(Parse, AnchorsAliasesAndMergeKeysAreRefused) {
  EXPECT_EQ(mistakes_of_yaml("a: &x 1\nb: *x\n"),
            (Lines{"a.yaml:1:4: a: expected plain maps, lists and values, found an anchor (&x); remove it",
                   "a.yaml:2:4: b: expected plain maps, lists and values, found an alias (*name); repeat the value, or "
                   "share it between files with extends"}));
  EXPECT_EQ(mistakes_of_yaml("a:\n  <<: {b: 1}\n  c: 2\n"),
            Lines{"a.yaml:2:3: a: expected plain maps, lists and values, found the merge key <<; share values between "
                  "files with extends"});
}

TEST(Parse, TagsAreRefused) {
  EXPECT_EQ(
      mistakes_of_yaml("a: !!str 5\n"),
      Lines{"a.yaml:1:4: a: expected plain maps, lists and values, found the tag \"tag:yaml.org,2002:str\"; remove "
            "it: the type of a key is fixed"});
}

TEST(Parse, KeysAreText) {
  EXPECT_EQ(
      mistakes_of_yaml("[a, b]: 1\nc: 2\n"),
      Lines{"a.yaml:1:1: expected plain maps, lists and values, found a list as a key; put quotes around text that "
            "begins with a bracket"});
  EXPECT_EQ(
      mistakes_of_yaml("? {a: b}\n: 1\n"),
      Lines{"a.yaml:1:3: expected plain maps, lists and values, found a map as a key; put quotes around text that "
            "begins with a bracket"});
  EXPECT_EQ(mistakes_of_yaml("\"\": 1\n"),
            Lines{"a.yaml:1:1: expected plain maps, lists and values, found an empty key; name the key"});
}

TEST(Parse, OneDocumentOnly) {
  EXPECT_EQ(mistakes_of_yaml("a: 1\n---\nb: 2\n"),
            Lines{"a.yaml:2:1: expected one document in the file, found a second one; "
                  "remove the line of dashes or dots, or split the file"});
  EXPECT_EQ(mistakes_of_yaml("a: 1\n...\nb: 2\n").size(), 1u);
  EXPECT_EQ(mistakes_of_yaml("---\na: 1\n...\n"), Lines{});
}

TEST(Parse, SyntaxErrorsAreMarked) {
  const Read out = read_yaml("a: 1\nb: [1, 2\n");
  ASSERT_EQ(out.issues.size(), 1u);
  EXPECT_EQ(out.parsed, Parsed::Broken);
  EXPECT_EQ(out.issues[0].mark.file, "a.yaml");
  EXPECT_EQ(out.issues[0].mark.line, 3);
  EXPECT_EQ(read_yaml("a:\n\tb: 1\n").parsed, Parsed::Broken);
  EXPECT_EQ(read_yaml("a: b: c\n").parsed, Parsed::Broken);
  EXPECT_EQ(read_yaml("a: \"x\" y\n").parsed, Parsed::Broken);
}

TEST(Parse, AnOpenQuoteDoesNotSwallowTheRest) {
  const std::string found =
      ": expected plain maps, lists and values, found a quote that is not closed; close it on its line";
  EXPECT_EQ(mistakes_of_yaml("a: \"open\nb: 1\n"), Lines{"a.yaml:1:4: a" + found});
  EXPECT_EQ(mistakes_of_yaml("b: 1\na: 'it''s open\n"), Lines{"a.yaml:2:4: a" + found});
  EXPECT_EQ(mistakes_of_yaml("a: \"x\\\"\n"), Lines{"a.yaml:1:4: a" + found});
  EXPECT_EQ(mistakes_of_yaml("\xef\xbb\xbf\"a\n"), Lines{"a.yaml:1:1" + found});
  EXPECT_EQ(mistakes_of_yaml("a: 'it''s closed'\nb: \"x\\\"\"\n"), Lines{});
  EXPECT_EQ(mistakes_of_yaml("\xef\xbb\xbf\xc3\xa9: \"\xc3\xa9\"\nb: [\"\xc3\xa9\", 'c']\n"), Lines{});
}

TEST(Parse, UnquotedTextDoesNotRunOverLines) {
  EXPECT_EQ(mistakes_of_yaml("a: one\n  two\nb: 1\n"),
            Lines{"a.yaml:1:4: a: expected plain maps, lists and values, found text over several lines; indent the "
                  "next line as a key, or quote the whole text"});
  EXPECT_EQ(mistakes_of_yaml("\xc3\xa9: \xc3\xa9 x  # c\r\nb: [\xc3\xa9, y z ]\r\n"), Lines{});
  EXPECT_EQ(mistakes_of_yaml("a: |\n  one\n  two\nb: >\n  three\n"), Lines{});
}

TEST(Parse, BytesThatYamlCppWouldSwallowAreRefused) {
  const std::string hint = "; save the file as UTF-8 text, and write control characters as escapes in quotes";
  EXPECT_EQ(mistakes_of_yaml("a: 1\nb: \x04\nc: 3\n"),
            Lines{"a.yaml:2:4: expected text in UTF-8, found the control character 0x04" + hint});
  EXPECT_EQ(mistakes_of_yaml("a: \xff\n"), Lines{"a.yaml:1:4: expected text in UTF-8, found the byte 0xff" + hint});
  EXPECT_EQ(mistakes_of_yaml("a: \xed\xa0\x80\n"),
            Lines{"a.yaml:1:4: expected text in UTF-8, found the byte 0xed" + hint});
  EXPECT_EQ(mistakes_of_yaml("a: \xc0\xaf\n"), Lines{"a.yaml:1:4: expected text in UTF-8, found the byte 0xc0" + hint});
  EXPECT_EQ(mistakes_of_yaml("a: \xe2\x82"), Lines{"a.yaml:1:4: expected text in UTF-8, found the byte 0xe2" + hint});
  EXPECT_EQ(mistakes_of_yaml(std::string("a: 1\n\0", 6)),
            Lines{"a.yaml:2:1: expected text in UTF-8, found the control character 0x00" + hint});
}

TEST(Parse, ADepthBeyondReasonIsAnErrorAndNoCrash) {
  EXPECT_EQ(read_yaml(std::string(100000, '[')).parsed, Parsed::Broken);
  EXPECT_EQ(read_yaml(std::string(100000, '{')).parsed, Parsed::Broken);
  std::string nested;
  for (int i = 0; i < 2000; ++i) nested += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  EXPECT_EQ(read_yaml(nested).parsed, Parsed::Broken);
}

TEST(Parse, ATextOfAMegabyteIsNoConfiguration) {
  EXPECT_EQ(
      mistakes_of_yaml(std::string(kLongestText + 1, '#')),
      Lines{"a.yaml: expected a configuration of at most 1048576 bytes, found 1048577 bytes; is this the right file?"});
}

TEST(Parse, WindowsLineEndsAreLineEnds) {
  const Read out = read_yaml("a: 1\r\nb: x\r\n");
  ASSERT_EQ(out.root.map.size(), 2u);
  EXPECT_EQ(out.root.map[1].value.scalar, "x");
  EXPECT_EQ(out.root.map[1].mark.line, 2);
}

}  // namespace
}  // namespace isobath::config
