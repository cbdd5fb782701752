#pragma once
// The object that a schema is bound to, as a file that reads back as the same object.

#include <string>

#include "configs/schema/fields/decode.hpp"
#include "configs/schema/fields/schema.hpp"

namespace isobath::config {

/// "default", "file:line:column" or "command line".
std::string source_of(const std::string& path, const Sources& sources);

/// Every field as YAML, its source in a comment behind it.
std::string dump(const Schema& schema, const Sources& sources);

}  // namespace isobath::config
