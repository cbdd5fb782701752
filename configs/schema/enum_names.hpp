#pragma once
// The names of an enumeration in configuration files: one function beside the enumeration,
//   constexpr auto enum_names(Color) { return std::array{EnumName{Color::Red, "red"}, ...}; }

#include <array>
#include <concepts>
#include <optional>
#include <string_view>
#include <type_traits>

namespace isobath {

template <class E>
struct EnumName {
  E value;
  std::string_view name;
};
template <class E>
EnumName(E, const char*) -> EnumName<E>;

template <class E>
concept NamedEnum = std::is_enum_v<E> && requires(E e) {
  enum_names(e).size();
};

/// The name in files; "?" for a value that has none (cannot come from a file).
template <NamedEnum E>
constexpr std::string_view name_of(E value) {
  for (const auto& entry : enum_names(value))
    if (entry.value == value) return entry.name;
  return "?";
}

template <NamedEnum E>
constexpr std::optional<E> enum_from_name(std::string_view name) {
  for (const auto& entry : enum_names(E{}))
    if (entry.name == name) return entry.value;
  return std::nullopt;
}

}  // namespace isobath
