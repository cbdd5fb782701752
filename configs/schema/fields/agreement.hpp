#pragma once
// What two configurations must have in common: those of two ranks, and those of a run before and after a resume.

#include <string>
#include <vector>

#include "configs/schema/fields/decode.hpp"
#include "configs/schema/fields/schema.hpp"

namespace isobath::config {

/// Ranks of a run agree in every field; a resumed run agrees in those that are declared OnResume::Same.
enum class DigestOf { Everything, KeptOnResume };

/// Lines "path=value" in the order of declaration: equal texts if and only if equal values. Hash it, or compare it line
/// by line.
std::string digest_text(const Schema& schema, DigestOf what);

/// A field whose value a resumed run may not change, but does.
struct ForbiddenChange {
  std::string path;
  std::string before;  ///< value of the run that wrote the checkpoint
  std::string now;
  Mark source;  ///< of the value now; file "default" when nothing sets it
};

/// Both schemas are bound to objects of one type; `sources` belong to `now`.
std::vector<ForbiddenChange> forbidden_changes(const Schema& before, const Schema& now, const Sources& sources);

/// What a run does with the earlier run whose values it has to keep.
enum class Succession { Resumes, BranchesOff };

/// One issue per change, to be thrown as ConfigError.
Issues to_issues(const std::vector<ForbiddenChange>& changes, Succession succession);

}  // namespace isobath::config
