#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "configs/schema/document/nearest.hpp"
#include "configs/schema/fields/scalar_text.hpp"

namespace isobath::config {
namespace {

constexpr std::string_view kInteger = "an integer";
constexpr std::string_view kNumber = "a number";
constexpr std::string_view kBoolean = "true or false";
constexpr std::string_view kText = "text";

Problem problem(const Node& node, std::string expected, std::string hint = "") {
  return {node.mark, std::move(expected), describe(node), std::move(hint)};
}

bool is_plain_scalar(const Node& node) { return node.kind == Node::Kind::Scalar && node.quoting == Quoting::Plain; }

std::string why_no_number(const Node& node) {
  if (node.kind == Node::Kind::Nothing) return "give a value, or remove the line to keep the default";
  if (node.kind != Node::Kind::Scalar) return "write one value";
  if (node.quoting == Quoting::Quoted) return "remove the quotes";
  if (node.scalar.find('_') != std::string::npos || node.scalar.find(',') != std::string::npos)
    return "write digits only, without separators";
  return "";
}

/// `010` is 8 in YAML 1.1 and 10 in YAML 1.2: nobody can know what was meant.
bool has_leading_zero(std::string_view text) {
  if (!text.empty() && text[0] == '-') text.remove_prefix(1);
  return text.size() > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9';
}

/// A finite decimal number that fills all of `text`.
std::optional<double> finite_number(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789+-.eE") != text.npos) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && end == text.data() + text.size()) return value;
  constexpr double kExact = 9007199254740992.0;  // 2^53: a double of less is the integer that was written
  const std::optional<double> number = finite_number(text);
  if (!number || *number != std::floor(*number) || std::fabs(*number) > kExact) return std::nullopt;
  return static_cast<std::int64_t>(*number);
}

bool within(const FieldRule& rule, double value) {
  using enum FieldRule::Bound;
  if (rule.low && !(rule.low->bound == Closed ? value >= rule.low->value : value > rule.low->value)) return false;
  return !rule.high || (rule.high->bound == Closed ? value <= rule.high->value : value < rule.high->value);
}

bool chosen(const FieldRule& rule, const std::string& text) {
  return rule.choices.empty() || std::find(rule.choices.begin(), rule.choices.end(), text) != rule.choices.end();
}

/// What both kinds of number share; `parse` gives the value of a text, or nothing.
template <class T, class Parse>
std::optional<Problem> read_number(const Node& node, const FieldRule& rule, std::string_view type, Parse&& parse,
                                   T& out) {
  const std::string expected = describe(type, rule);
  if (!is_plain_scalar(node)) return problem(node, expected, why_no_number(node));
  if (has_leading_zero(node.scalar)) return problem(node, expected, "remove the leading zero");
  const std::optional<T> value = parse(node.scalar);
  if (!value) return problem(node, expected, why_no_number(node));
  if (!within(rule, static_cast<double>(*value)) || !chosen(rule, print(*value))) return problem(node, expected);
  out = *value;
  return std::nullopt;
}

}  // namespace

std::optional<Problem> read(const Node& node, const FieldRule& rule, std::int64_t& out) {
  return read_number(node, rule, kInteger, whole_number, out);
}

std::optional<Problem> read(const Node& node, const FieldRule& rule, double& out) {
  return read_number(node, rule, kNumber, finite_number, out);
}

std::optional<Problem> read(const Node& node, const FieldRule&, bool& out) {
  if (!is_plain_scalar(node) || (node.scalar != "true" && node.scalar != "false"))
    return problem(node, std::string(kBoolean), "write true or false in small letters, without quotes");
  out = node.scalar == "true";
  return std::nullopt;
}

std::optional<Problem> read(const Node& node, const FieldRule& rule, std::string& out) {
  const std::string expected = describe(kText, rule);
  if (node.kind == Node::Kind::Nothing) return problem(node, expected, "write \"\" for the empty text");
  if (node.kind != Node::Kind::Scalar) return problem(node, expected, "write one value");
  if (rule.needs_text && node.scalar.empty()) return problem(node, expected);
  if (!chosen(rule, node.scalar)) {
    const std::string meant = nearest(node.scalar, rule.choices);
    return problem(node, expected, meant.empty() ? "" : "did you mean " + meant + "?");
  }
  out = node.scalar;
  return std::nullopt;
}

}  // namespace isobath::config
