#pragma once
// Rules across fields: a section's `void check(config::Checker&) const` states them by field name; the report carries
// the mark of the field.

#include <functional>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace isobath::config {

/// What a broken rule says: what would have been right, what is there, and what to do about it.
struct Broken {
  std::string expected;
  std::string found;
  std::string hint;
};

class Checker {
 public:
  /// Takes the full paths of the fields that a rule looks at, the one to blame first, and what to say.
  using Report = std::function<void(const std::vector<std::string>& paths, const Broken&)>;
  Checker(std::string section, Report report) : section_(std::move(section)), report_(std::move(report)) {}

  /// Reports `broken` unless `holds`. `fields`: every field that the rule reads, relative to the section ("heads",
  /// "model.context"), the one to blame first; the rule is silent when one of them has an error already.
  void rule(bool holds, std::initializer_list<std::string> fields, const Broken& broken) {
    if (holds) return;
    std::vector<std::string> paths;
    for (const std::string& field : fields) paths.push_back(section_.empty() ? field : section_ + "." + field);
    report_(paths, broken);
  }

 private:
  std::string section_;
  Report report_;
};

}  // namespace isobath::config
