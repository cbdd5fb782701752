#include "configs/schema/fields/agreement.hpp"

namespace isobath::config {

std::string digest_text(const Schema& schema, DigestOf what) {
  std::string text;
  for (const Field& field : schema.fields)
    if (what == DigestOf::Everything || field.on_resume == OnResume::Same)
      text += field.path + "=" + field.text() + "\n";
  return text;
}

std::vector<ForbiddenChange> forbidden_changes(const Schema& before, const Schema& now, const Sources& sources) {
  std::vector<ForbiddenChange> changes;
  for (std::size_t i = 0; i < now.fields.size(); ++i) {
    const Field& field = now.fields[i];
    if (field.on_resume == OnResume::MayChange) continue;
    const std::string was = before.fields[i].text();
    if (was == field.text()) continue;
    const auto at = sources.find(field.path);
    changes.push_back({field.path, was, field.text(), at == sources.end() ? Mark{"default", 0, 0} : at->second});
  }
  return changes;
}

Issues to_issues(const std::vector<ForbiddenChange>& changes, Succession succession) {
  const bool resumes = succession == Succession::Resumes;
  const std::string whose = resumes ? " as in the run that is resumed" : " as in the run of train.start_from";
  const std::string otherwise =
      resumes ? ", or start a new run under another name" : ", or start without train.start_from";
  Issues issues;
  for (const ForbiddenChange& change : changes)
    issues.push_back({change.source, change.path, change.before + whose, change.now,
                      "set " + change.path + "=" + change.before + otherwise});
  return issues;
}

}  // namespace isobath::config
