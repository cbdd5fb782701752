#pragma once
// The configuration of a run: read, checked, shown, compared.

#include <filesystem>
#include <string>
#include <vector>

#include "configs/schema/document/config_error.hpp"
#include "configs/schema/fields/agreement.hpp"
#include "configs/schema/fields/decode.hpp"
#include "configs/schema/run_config.hpp"

namespace isobath {

struct ResolvedConfig {
  RunConfig config;
  config::Sources sources;         ///< where each value that is no default was written
  std::vector<std::string> files;  ///< every file that was read, the most basic first
};

/// Defaults, then the files, then `overrides` ("a.b=c"). Throws ConfigError with every mistake at once.
ResolvedConfig load_run_config(const std::filesystem::path& path, const std::vector<std::string>& overrides = {});

/// The same out of text, for ranks that get it from another: `dump` of a configuration reads back as that
/// configuration. `name` stands for the file in messages.
ResolvedConfig parse_run_config(const std::string& yaml, const std::string& name,
                                const std::vector<std::string>& overrides = {});

/// Every field as YAML, its source in a comment behind it.
std::string dump(const ResolvedConfig& resolved);

/// Lines "path=value" of the effective configuration; equal where two configurations mean the same in the fields that
/// `what` names.
std::string digest_text(const RunConfig& run, config::DigestOf what);

/// What a run that was started as `before` may not change when it is resumed as `now`, compared by effective values.
std::vector<config::ForbiddenChange> diff_on_resume(const RunConfig& before, const ResolvedConfig& now);

/// Throws ConfigError with one line per change of diff_on_resume.
void require_resumable(const RunConfig& before, const ResolvedConfig& now);

/// The same for a run that starts from a checkpoint of `before` under another name: its section optim is its own.
void require_branchable(const RunConfig& before, const ResolvedConfig& now);

/// Markdown tables of every key: docs/configuration.md.
std::string config_reference();

/// The same for a terminal.
std::string config_help();

/// Every key, "a.b", in the order of declaration.
std::vector<std::string> config_keys();

}  // namespace isobath
