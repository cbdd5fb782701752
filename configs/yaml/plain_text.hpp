#pragma once
// What yaml-cpp must not see: it takes byte 4 for the end of the file and replaces broken UTF-8 without a word.

#include <string>

#include "configs/schema/document/config_error.hpp"

namespace isobath::config {

/// Whether `text` is short enough for a configuration and holds nothing but UTF-8 without control characters (tab and
/// line ends aside); otherwise adds an issue with the first place.
bool is_plain_text(const std::string& text, const std::string& file, Issues& issues);

}  // namespace isobath::config
