#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include "configs/schema/fields/scalar_text.hpp"

namespace isobath::config {
namespace {

/// Words that YAML 1.1 or this program would take for something else than text.
constexpr std::array<std::string_view, 12> kReserved{"true", "false", "yes", "no", "on",  "off",
                                                     "null", "auto",  "y",   "n",  "nan", "inf"};

bool is_plain(std::string_view text) {
  constexpr std::string_view kInside = "_-./";
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (text.empty() || !(letter(text[0]) || text[0] == '_' || text[0] == '/')) return false;
  if (!std::all_of(text.begin(), text.end(),
                   [&](char c) { return letter(c) || (c >= '0' && c <= '9') || kInside.find(c) != kInside.npos; }))
    return false;
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return std::find(kReserved.begin(), kReserved.end(), lower) == kReserved.end();
}

std::string limits(const FieldRule& rule) {
  using enum FieldRule::Bound;
  if (rule.low && rule.high)
    return std::string(" in ") + (rule.low->bound == Closed ? "[" : "(") + print(rule.low->value) + ", " +
           print(rule.high->value) + (rule.high->bound == Closed ? "]" : ")");
  if (rule.low) return (rule.low->bound == Closed ? " of at least " : " above ") + print(rule.low->value);
  if (rule.high) return (rule.high->bound == Closed ? " of at most " : " below ") + print(rule.high->value);
  return "";
}

}  // namespace

std::string print(double value) {
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  std::string text(buffer, end);
  const std::size_t e = text.find('e');
  if (e == std::string::npos) return text;
  std::size_t digits = e + 2;  // behind the sign, which to_chars always writes
  while (digits + 1 < text.size() && text[digits] == '0') text.erase(digits, 1);
  if (text[e + 1] == '+') text.erase(e + 1, 1);
  return text;
}

std::string print(std::int64_t value) { return std::to_string(value); }
std::string print(bool value) { return value ? "true" : "false"; }

std::string print(const std::string& value) {
  if (is_plain(value)) return value;
  return '"' + escaped(value) + '"';
}

std::string describe(std::string_view type, const FieldRule& rule) {
  std::string text = std::string(type) + limits(rule);
  if (rule.needs_text) text += " that is not empty";
  for (std::size_t i = 0; i < rule.choices.size(); ++i) text += (i == 0 ? ", one of " : ", ") + rule.choices[i];
  return text;
}

}  // namespace isobath::config
