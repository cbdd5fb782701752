#include "ops/core/files/json.hpp"

ISOBATH_JSON_TEMPLATES(, nlohmann::json);
ISOBATH_JSON_TEMPLATES(, nlohmann::ordered_json);
