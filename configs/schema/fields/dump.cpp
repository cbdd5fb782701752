#include "configs/schema/fields/dump.hpp"

#include <algorithm>
#include <set>
#include <string_view>

namespace isobath::config {
namespace {

std::size_t depth_of(std::string_view path) {
  return static_cast<std::size_t>(std::count(path.begin(), path.end(), '.'));
}

std::string key_of(const std::string& path) {
  const std::size_t dot = path.rfind('.');
  return dot == std::string::npos ? path : path.substr(dot + 1);
}

/// A file may be named anything; a comment ends with its line.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return text;
}

/// The headings of the sections around `path` that are not open yet.
std::string headings(const std::string& path, std::set<std::string>& open) {
  std::string text;
  for (std::size_t dot = path.find('.'); dot != std::string::npos; dot = path.find('.', dot + 1)) {
    const std::string section = path.substr(0, dot);
    if (open.insert(section).second) text += std::string(2 * depth_of(section), ' ') + key_of(section) + ":\n";
  }
  return text;
}

}  // namespace

std::string source_of(const std::string& path, const Sources& sources) {
  const auto at = sources.find(path);
  return at == sources.end() ? "default" : to_string(at->second);
}

std::string dump(const Schema& schema, const Sources& sources) {
  constexpr std::size_t kCommentColumn = 40;
  std::set<std::string> open;
  std::string text;
  for (const Field& field : schema.fields) {
    text += headings(field.path, open);
    std::string line = std::string(2 * depth_of(field.path), ' ') + key_of(field.path) + ": " + field.text();
    line.resize(std::max(line.size() + 2, kCommentColumn), ' ');
    text += line + "# " + one_line(source_of(field.path, sources)) + "\n";
  }
  return text;
}

}  // namespace isobath::config
