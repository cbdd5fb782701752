#include "configs/schema/fields/reference.hpp"

#include <algorithm>

namespace isobath::config {
namespace {

std::string section_of(const std::string& path) {
  const std::size_t dot = path.rfind('.');
  return dot == std::string::npos ? "" : path.substr(0, dot);
}

/// A bar would end the cell.
std::string cell(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '|' ? "\\|" : std::string(1, c);
  return out;
}

std::string row(const Field& field) {
  const std::string resume = field.on_resume == OnResume::Same ? "same" : "may change";
  return "| `" + field.path + "` | " + cell(field.type) + " | `" + cell(field.text()) + "` | " + resume + " | " +
         cell(field.doc) + " |\n";
}

}  // namespace

std::string reference(const Schema& defaults) {
  std::string text;
  for (const Section& section : defaults.sections) {
    std::string rows;
    for (const Field& field : defaults.fields)
      if (section_of(field.path) == section.path) rows += row(field);
    if (rows.empty()) continue;
    text += (text.empty() ? "## `" : "\n## `") + (section.path.empty() ? "top level" : section.path) + "`\n\n";
    if (!section.doc.empty()) text += section.doc + "\n\n";
    text += "| key | takes | default | on resume | meaning |\n|---|---|---|---|---|\n" + rows;
  }
  return text;
}

std::string help(const Schema& defaults) {
  std::string text;
  for (const Field& field : defaults.fields) {
    const std::string note = field.on_resume == OnResume::MayChange ? "; may change on resume" : "";
    text += field.path + " = " + field.text() + "\n    " + field.doc + " (" + field.type + note + ")\n";
  }
  return text;
}

}  // namespace isobath::config
