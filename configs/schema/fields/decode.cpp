#include "configs/schema/fields/decode.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "configs/schema/document/nearest.hpp"

namespace isobath::config {
namespace {

class Decoder {
 public:
  Decoder(const Schema& schema, const Mark& whole, Issues& issues) : whole_(whole), issues_(issues) {
    for (const Field& field : schema.fields) fields_[field.path] = &field;
    for (const Section& section : schema.sections) sections_[section.path] = &section;
    for (const Field& field : schema.fields) known_.push_back(field.path);
    for (const Section& section : schema.sections)
      if (!section.path.empty()) known_.push_back(section.path);
  }

  void section(const Node& node, const std::string& path) {
    if (node.kind == Node::Kind::Nothing) return;  // every key commented out, or an empty file
    if (node.kind != Node::Kind::Map) return not_a_section(node, path);
    for (const Entry& entry : node.map) key(entry, path.empty() ? entry.key : path + "." + entry.key);
  }

  /// A default that its own rule refuses must be given.
  void require_values(const Schema& schema) {
    for (const Field& field : schema.fields) {
      if (!field.rule.needs_text || sources_.contains(field.path) || wrong_.contains(field.path)) continue;
      if (field.text() != print(std::string())) continue;
      report(whole_, field.path, field.type, "nothing",
             "set it in the file, or on the command line as " + field.path + "=...");
    }
  }

  void check_rules(const Schema& schema) {
    for (const Section& section : schema.sections) {
      if (!section.check) continue;
      Checker checker(section.path, [this](const auto& paths, const Broken& broken) { rule_broken(paths, broken); });
      section.check(checker);
    }
  }

  Sources take_sources() { return std::move(sources_); }

 private:
  void key(const Entry& entry, const std::string& path) {
    if (entry.key.find('.') != std::string::npos)
      return report(entry.mark, path, "", "unknown key", "in a file write nested sections instead of dots");
    if (const auto at = fields_.find(path); at != fields_.end()) return value(entry, *at->second);
    if (sections_.contains(path)) return section(entry.value, path);
    report(entry.mark, path, "", "unknown key", suggest_key(path, known_));
  }

  void value(const Entry& entry, const Field& field) {
    const std::string fallback = field.text();
    const std::optional<Problem> problem = field.read(entry.value);
    if (!problem) {
      sources_[field.path] = entry.mark;
      return;
    }
    const std::string hint = field.rule.needs_text ? "give a value" : "the default is " + fallback;
    report(problem->mark, field.path, problem->expected, problem->found, problem->hint.empty() ? hint : problem->hint);
  }

  void not_a_section(const Node& node, const std::string& path) {
    const bool colon = node.kind == Node::Kind::Scalar && node.scalar.find(':') != std::string::npos;
    report(node.mark, path, "a section of `key: value` lines", describe(node),
           colon ? "put a space behind the colon" : "write its keys below it, indented");
  }

  void rule_broken(const std::vector<std::string>& paths, const Broken& broken) {
    if (std::any_of(paths.begin(), paths.end(), [this](const auto& path) { return wrong_.contains(path); })) return;
    const auto given =
        std::find_if(paths.begin(), paths.end(), [this](const auto& path) { return sources_.contains(path); });
    const Mark mark = given == paths.end() ? whole_ : sources_[*given];
    issues_.push_back({mark, paths.front(), broken.expected, broken.found, broken.hint});
  }

  void report(const Mark& mark, const std::string& path, std::string expected, std::string found, std::string hint) {
    wrong_.insert(path);
    issues_.push_back({mark, path, std::move(expected), std::move(found), std::move(hint)});
  }

  std::map<std::string, const Field*> fields_;
  std::map<std::string, const Section*> sections_;
  std::vector<std::string> known_;
  std::set<std::string> wrong_;
  Sources sources_;
  Mark whole_;
  Issues& issues_;
};

}  // namespace

Sources decode(const Node& root, const Schema& schema, const Mark& whole, Issues& issues) {
  Decoder decoder(schema, whole, issues);
  decoder.section(root, "");
  decoder.require_values(schema);
  decoder.check_rules(schema);
  return decoder.take_sources();
}

}  // namespace isobath::config
