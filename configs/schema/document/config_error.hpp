#pragma once
// A user's mistake in the configuration. All mistakes are collected and reported at once.

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "configs/schema/document/node.hpp"

namespace isobath {

namespace config {

struct Issue {
  Mark mark;
  std::string path;      ///< "depth.policy"; empty when the mistake belongs to no key
  std::string expected;  ///< "a number in (0, 1]"; empty where `found` says all ("unknown key")
  std::string found;     ///< "1.5"
  std::string hint;      ///< what to do about it; may be empty
};

using Issues = std::vector<Issue>;

/// "file:line:column: path: expected ..., found ...; hint" on one line.
std::string to_string(const Issue& issue);

}  // namespace config

class ConfigError : public std::runtime_error {
 public:
  /// The exit code of a process that ends with this error.
  static constexpr int kExitCode = 78;

  /// `issues` are sorted by place; there is at least one.
  explicit ConfigError(config::Issues issues);
  const config::Issues& issues() const noexcept { return issues_; }

 private:
  config::Issues issues_;
};

namespace config {

/// Throws ConfigError when there is an issue.
void throw_if_any(const Issues& issues);

}  // namespace config
}  // namespace isobath
