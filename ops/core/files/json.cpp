#include "ops/core/files/json.hpp"

template class nlohmann::basic_json<>;
template class nlohmann::basic_json<nlohmann::ordered_map>;
ISOBATH_JSON_TEMPLATES(, nlohmann::json);
ISOBATH_JSON_TEMPLATES(, nlohmann::ordered_json);
