#include "data/documents/document_rule.hpp"

#include <array>
#include <utility>

#include "ops/core/error.hpp"

namespace isobath {
namespace {

constexpr std::string_view kJsonl = "jsonl:";
constexpr std::array<std::pair<DocumentUnit, std::string_view>, 4> kUnits = {{{DocumentUnit::None, "none"},
                                                                              {DocumentUnit::File, "file"},
                                                                              {DocumentUnit::Line, "line"},
                                                                              {DocumentUnit::BlankLine, "blank-line"}}};

}  // namespace

std::string DocumentRule::name() const {
  std::string out = std::string(kJsonl) + field;
  for (const auto& [known, word] : kUnits)
    if (known == unit) out = word;
  if (end_token == EndTokenPlace::Before) out += ", end token before";
  if (end_token == EndTokenPlace::After) out += ", end token after";
  return out;
}

void parse_documents(std::string_view words, DocumentRule& rule) {
  if (words.starts_with(kJsonl) && words.size() > kJsonl.size()) {
    rule.unit = DocumentUnit::Jsonl;
    rule.field = words.substr(kJsonl.size());
    return;
  }
  for (const auto& [unit, word] : kUnits) {
    if (words != word) continue;
    rule.unit = unit;
    rule.field.clear();
    return;
  }
  throw Error(ExitCode::Usage, text("documents are none, file, line, blank-line or jsonl:FIELD, not ", words));
}

}  // namespace isobath
