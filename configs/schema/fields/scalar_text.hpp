#pragma once
// Scalars as text and back. What is printed is YAML and reads back as the same value; reading is strict where YAML 1.1
// guesses: `010` is no octal number but an error, `yes` is no boolean, `1e6` is an integer because its value is one.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "configs/schema/document/node.hpp"
#include "configs/schema/field_rule.hpp"

namespace isobath::config {

/// Why a node is no value of a type.
struct Problem {
  Mark mark;
  std::string expected;
  std::string found;
  std::string hint;
};

/// Shortest text that reads back as the same double: "0.1", "3e-4", "25".
std::string print(double value);
std::string print(std::int64_t value);
std::string print(bool value);
/// As it is where YAML of any version takes it for text, else in double quotes.
std::string print(const std::string& value);

/// "a number in (0, 1]", "an integer of at least 1": the type followed by its rule.
std::string describe(std::string_view type, const FieldRule& rule);

/// Each writes `out` only when `node` is a value of the type that meets the rule.
std::optional<Problem> read(const Node& node, const FieldRule& rule, std::int64_t& out);
std::optional<Problem> read(const Node& node, const FieldRule& rule, double& out);
std::optional<Problem> read(const Node& node, const FieldRule& rule, bool& out);
std::optional<Problem> read(const Node& node, const FieldRule& rule, std::string& out);

}  // namespace isobath::config
