#include "configs/yaml/run_config.hpp"

#include <utility>

#include "configs/schema/fields/dump.hpp"
#include "configs/schema/fields/reference.hpp"
#include "configs/schema/fields/schema.hpp"
#include "configs/yaml/load.hpp"

namespace isobath {
namespace {

ResolvedConfig resolve(config::Document document, const std::vector<std::string>& overrides) {
  config::apply_overrides(document, overrides);
  ResolvedConfig resolved;
  resolved.files = std::move(document.files);
  if (document.parsed == config::Parsed::Whole) {
    const config::Schema schema = config::bind(resolved.config);
    const config::Mark whole{resolved.files.back(), 0, 0};
    resolved.sources = config::decode(document.root, schema, whole, document.issues);
  }
  config::throw_if_any(document.issues);
  return resolved;
}

}  // namespace

ResolvedConfig load_run_config(const std::filesystem::path& path, const std::vector<std::string>& overrides) {
  return resolve(config::load(path), overrides);
}

ResolvedConfig parse_run_config(const std::string& yaml, const std::string& name,
                                const std::vector<std::string>& overrides) {
  return resolve(config::load_text(yaml, name), overrides);
}

std::string dump(const ResolvedConfig& resolved) {
  RunConfig run = resolved.config;
  return config::dump(config::bind(run), resolved.sources);
}

std::string digest_text(const RunConfig& run, config::DigestOf what) {
  RunConfig meant = effective(run);
  return config::digest_text(config::bind(meant), what);
}

std::vector<config::ForbiddenChange> diff_on_resume(const RunConfig& before, const ResolvedConfig& now) {
  RunConfig was = effective(before);
  RunConfig is = effective(now.config);
  return config::forbidden_changes(config::bind(was), config::bind(is), now.sources);
}

void require_resumable(const RunConfig& before, const ResolvedConfig& now) {
  config::throw_if_any(config::to_issues(diff_on_resume(before, now), config::Succession::Resumes));
}

void require_branchable(const RunConfig& before, const ResolvedConfig& now) {
  std::vector<config::ForbiddenChange> changes = diff_on_resume(before, now);
  std::erase_if(changes, [](const config::ForbiddenChange& change) {
    return change.path.starts_with("optim.") || change.path == "train.start_from";
  });
  config::throw_if_any(config::to_issues(changes, config::Succession::BranchesOff));
}

std::string config_reference() {
  RunConfig defaults;
  return config::reference(config::bind(defaults));
}

std::vector<std::string> config_keys() {
  RunConfig defaults;
  std::vector<std::string> keys;
  for (const config::Field& field : config::bind(defaults).fields) keys.push_back(field.path);
  return keys;
}

std::string config_help() {
  RunConfig defaults;
  return config::help(config::bind(defaults));
}

}  // namespace isobath
