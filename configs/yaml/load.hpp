#pragma once
// Files and overrides into one document: what a file extends comes first, then the file, then the command line.

#include <filesystem>
#include <string>
#include <vector>

#include "configs/schema/document/config_error.hpp"
#include "configs/schema/document/node.hpp"
#include "configs/yaml/parse.hpp"

namespace isobath::config {

struct Document {
  Node root;
  std::vector<std::string> files;  ///< every file that was read, the most basic first
  Issues issues;
  Parsed parsed = Parsed::Whole;  ///< Broken: a file is missing or no YAML, so that nothing can be said about keys
};

/// Reads `path` and what it extends: `extends: base.yaml`, or a list of which later ones win; relative to the file that
/// says so. Maps merge key by key, lists and values are replaced.
Document load(const std::filesystem::path& path);

/// A document out of text that stands in no file of this machine. `extends` is refused.
Document load_text(const std::string& text, const std::string& name);

/// Applies "a.b=c" in order; later ones win.
void apply_overrides(Document& document, const std::vector<std::string>& overrides);

}  // namespace isobath::config
