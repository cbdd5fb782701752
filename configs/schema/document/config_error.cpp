#include "configs/schema/document/config_error.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace isobath {
namespace config {

std::string to_string(const Issue& issue) {
  std::string text = to_string(issue.mark);
  if (!issue.path.empty()) text += (text.empty() ? "" : ": ") + issue.path;
  text += issue.expected.empty() ? ": " : ": expected " + issue.expected + ", found ";
  text += issue.found;
  if (!issue.hint.empty()) text += "; " + issue.hint;
  return text;
}

void throw_if_any(const Issues& issues) {
  if (!issues.empty()) throw ConfigError(issues);
}

namespace {

Issues sorted(Issues issues) {
  std::stable_sort(issues.begin(), issues.end(), [](const Issue& a, const Issue& b) {
    return std::tie(a.mark.file, a.mark.line, a.mark.column) < std::tie(b.mark.file, b.mark.line, b.mark.column);
  });
  return issues;
}

std::string message(const Issues& issues) {
  std::string text = std::to_string(issues.size());
  text += issues.size() == 1 ? " error in the configuration:" : " errors in the configuration:";
  for (const Issue& issue : issues) text += "\n  " + to_string(issue);
  return text;
}

}  // namespace
}  // namespace config

ConfigError::ConfigError(config::Issues issues)
    : std::runtime_error(config::message(config::sorted(issues))), issues_(config::sorted(std::move(issues))) {}

}  // namespace isobath
