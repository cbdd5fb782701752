#pragma once
// What can be configured, for people. Bind the schema to a fresh object: its values are shown as the defaults.

#include <string>

#include "configs/schema/fields/schema.hpp"

namespace isobath::config {

/// Markdown: one table per section {key, type and range, default, on resume, meaning}.
std::string reference(const Schema& defaults);

/// Plain text for a terminal: one line per field, `a.b = default`, then what it takes and means.
std::string help(const Schema& defaults);

}  // namespace isobath::config
