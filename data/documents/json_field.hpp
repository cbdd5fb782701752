#pragma once
#include <string>

namespace isobath {

/// The string `field` of the JSON object `record`. Throws DataError, naming `where`, for anything else.
std::string json_string_field(const std::string& record, const std::string& field, const std::string& where);

}  // namespace isobath
