#pragma once
// YAML text into a document tree. Of YAML only what can have one meaning is taken: one document of maps, lists and
// scalars, keys unique, no anchors, aliases, tags or merge keys.

#include <string>
#include <string_view>

#include "configs/schema/document/config_error.hpp"
#include "configs/schema/document/node.hpp"

namespace isobath::config {

/// Whether a tree can be trusted to hold everything that was written.
enum class Parsed { Whole, Broken };

/// Text longer than this many bytes is no configuration.
inline constexpr std::size_t kLongestText = std::size_t{1} << 20;

/// Parses `text`; `file` is what marks name. What is refused becomes an issue. Broken after a syntax error: the tree is
/// then empty.
Parsed parse(const std::string& text, const std::string& file, Node& root, Issues& issues);

/// The value of an override: a list, map or quoted text is YAML, everything else is taken as it is. Marked "command
/// line".
Parsed parse_value(std::string_view text, Node& value, Issues& issues);

}  // namespace isobath::config
