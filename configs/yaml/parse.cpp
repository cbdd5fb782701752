#include "configs/yaml/parse.hpp"

#include <optional>
#include <sstream>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "configs/yaml/source_text.hpp"
#include "configs/yaml/tree_builder.hpp"

namespace isobath::config {
namespace {

/// yaml-cpp counts from 0, and from -1 where it knows no place. A command line has no lines.
Mark mark_of(const YAML::Mark& mark, const std::string& file) {
  return mark.is_null() || file == kCommandLine ? Mark{file, 0, 0} : Mark{file, mark.line + 1, mark.column + 1};
}

/// Events of yaml-cpp are used instead of its nodes: nodes resolve aliases, keep the first of equal keys and forget
/// where keys stand.
class Events : public YAML::EventHandler {
 public:
  Events(TreeBuilder& builder, const std::string& text, std::string file)
      : builder_(builder), source_(text), file_(std::move(file)) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    builder_.leaf(empty_node(Node::Kind::Nothing, at(mark)));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    builder_.refuse(at(mark), "an alias (*name)", "repeat the value, or share it between files with extends");
  }
  void OnAnchor(const YAML::Mark& mark, const std::string& name) override {
    if (!name.empty()) builder_.complain(at(mark), "an anchor (&" + name + ")", "remove it");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const Quoting quoting = tag == "!" ? Quoting::Quoted : Quoting::Plain;
    refuse_tag(mark, tag);
    if (anchor == 0 && !is_tag(tag)) refuse_guess(mark, quoting, value);
    builder_.leaf(scalar_node(value, quoting, at(mark)));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    refuse_tag(mark, tag);
    builder_.open(empty_node(Node::Kind::List, at(mark)));
  }
  void OnSequenceEnd() override { builder_.close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, YAML::EmitterStyle::value) override {
    refuse_tag(mark, tag);
    builder_.open(empty_node(Node::Kind::Map, at(mark)));
  }
  void OnMapEnd() override { builder_.close(); }

 private:
  Mark at(const YAML::Mark& mark) const { return mark_of(mark, file_); }
  /// "?" and "!" are yaml-cpp's marks of untagged plain and quoted values.
  static bool is_tag(const std::string& tag) { return !tag.empty() && tag != "?" && tag != "!"; }
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (is_tag(tag)) builder_.complain(at(mark), "the tag " + in_quotes(tag), "remove it: the type of a key is fixed");
  }

  /// What has no tag and no anchor stands at its mark as it was written.
  void refuse_guess(const YAML::Mark& mark, Quoting quoting, const std::string& value) {
    const std::string_view rest = source_.from(mark.line, mark.column);
    if (quoting == Quoting::Quoted && !is_closed(rest))
      builder_.complain(at(mark), "a quote that is not closed", "close it on its line");
    if (quoting == Quoting::Plain && rest.substr(0, value.size()) != value)
      builder_.complain(at(mark), "text over several lines", "indent the next line as a key, or quote the whole text");
  }

  TreeBuilder& builder_;
  SourceText source_;
  std::string file_;
};

/// Notes where a second document begins; its content does not matter.
class SecondDocument : public YAML::EventHandler {
 public:
  std::optional<YAML::Mark> start;

  void OnDocumentStart(const YAML::Mark& mark) override { start = mark; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

}  // namespace

Parsed parse(const std::string& text, const std::string& file, Node& root, Issues& issues) {
  root = empty_node(Node::Kind::Nothing, {file, 0, 0});
  if (!is_plain_text(text, file, issues)) return Parsed::Broken;
  TreeBuilder builder(issues);
  SecondDocument second;
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    Events events(builder, text, file);
    if (!parser.HandleNextDocument(events)) return Parsed::Whole;
    parser.HandleNextDocument(second);
  } catch (const YAML::Exception& error) {
    issues.push_back({mark_of(error.mark, file), "", "YAML", error.msg, "mend the line, or the one before it"});
    return Parsed::Broken;
  }
  if (second.start)
    issues.push_back({mark_of(*second.start, file), "", "one document in the file", "a second one",
                      "remove the line of dashes or dots, or split the file"});
  root = builder.take();
  return Parsed::Whole;
}

Parsed parse_value(std::string_view text, Node& value, Issues& issues) {
  const std::string name(kCommandLine);
  value = scalar_node(std::string(text), Quoting::Plain, {name, 0, 0});
  if (text.empty()) {
    value.quoting = Quoting::Quoted;
    return Parsed::Whole;
  }
  if (std::string_view("[{\"'").find(text[0]) != std::string_view::npos)
    return parse(std::string(text), name, value, issues);
  return is_plain_text(value.scalar, name, issues) ? Parsed::Whole : Parsed::Broken;
}

}  // namespace isobath::config
