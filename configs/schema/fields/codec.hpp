#pragma once
// One form for every type that a field may have: scalars, enumerations, lists of them, and optional ones ("auto").

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "configs/schema/document/nearest.hpp"
#include "configs/schema/enum_names.hpp"
#include "configs/schema/fields/scalar_text.hpp"

namespace isobath::config {

/// type(rule): what is expected, for people. print: YAML on one line. read: strict; writes `out` only on success.
template <class T>
struct Codec;

template <class T>
concept FieldValue = requires(const T& value, T& out, const Node& node, const FieldRule& rule) {
  Codec<T>::type(rule);
  Codec<T>::print(value);
  Codec<T>::read(node, rule, out);
};

namespace detail {

template <class T>
constexpr std::string_view kTypeName = "";
template <>
inline constexpr std::string_view kTypeName<std::int64_t> = "an integer";
template <>
inline constexpr std::string_view kTypeName<double> = "a number";
template <>
inline constexpr std::string_view kTypeName<bool> = "true or false";
template <>
inline constexpr std::string_view kTypeName<std::string> = "text";

}  // namespace detail

template <class T>
requires(!detail::kTypeName<T>.empty()) struct Codec<T> {
  static std::string type(const FieldRule& rule) { return describe(detail::kTypeName<T>, rule); }
  static std::string print(const T& value) { return config::print(value); }
  static std::optional<Problem> read(const Node& node, const FieldRule& rule, T& out) {
    return config::read(node, rule, out);
  }
};

template <NamedEnum E>
struct Codec<E> {
  static FieldRule names() {
    FieldRule rule;
    for (const auto& entry : enum_names(E{})) rule.choices.emplace_back(entry.name);
    return rule;
  }
  static std::string type(const FieldRule&) {
    std::string text;
    for (const auto& entry : enum_names(E{})) text.append(text.empty() ? "one of " : ", ").append(entry.name);
    return text;
  }
  static std::string print(E value) { return std::string(name_of(value)); }
  static std::optional<Problem> read(const Node& node, const FieldRule&, E& out) {
    std::string name;
    if (auto problem = config::read(node, names(), name)) {
      problem->expected = type({});
      return problem;
    }
    out = *enum_from_name<E>(name);
    return std::nullopt;
  }
};

/// A list; the rule holds for each of its elements.
template <class T>
struct Codec<std::vector<T>> {
  static std::string type(const FieldRule& rule) { return "a list, each " + Codec<T>::type(rule); }
  static std::string print(const std::vector<T>& values) {
    std::string text = "[";
    for (std::size_t i = 0; i < values.size(); ++i) text += (i == 0 ? "" : ", ") + Codec<T>::print(values[i]);
    return text + "]";
  }
  static std::optional<Problem> read(const Node& node, const FieldRule& rule, std::vector<T>& out) {
    if (node.kind != Node::Kind::List) return Problem{node.mark, type(rule), describe(node), "write [a, b]"};
    std::vector<T> values;
    for (const Node& element : node.list) {
      T value{};
      if (auto problem = Codec<T>::read(element, rule, value)) return problem;
      values.push_back(std::move(value));
    }
    out = std::move(values);
    return std::nullopt;
  }
};

/// The word auto leaves the value to the program.
template <class T>
struct Codec<std::optional<T>> {
  static std::string type(const FieldRule& rule) { return "auto or " + Codec<T>::type(rule); }
  static std::string print(const std::optional<T>& value) { return value ? Codec<T>::print(*value) : "auto"; }
  static std::optional<Problem> read(const Node& node, const FieldRule& rule, std::optional<T>& out) {
    if (node.kind == Node::Kind::Scalar && node.quoting == Quoting::Plain && node.scalar == "auto") {
      out = std::nullopt;
      return std::nullopt;
    }
    T value{};
    if (auto problem = Codec<T>::read(node, rule, value)) {
      problem->expected = type(rule);
      return problem;
    }
    out = std::move(value);
    return std::nullopt;
  }
};

}  // namespace isobath::config
