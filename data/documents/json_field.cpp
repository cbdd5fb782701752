#include "data/documents/json_field.hpp"

#include "ops/core/error.hpp"
#include "ops/core/files/json.hpp"

namespace isobath {

std::string json_string_field(const std::string& record, const std::string& field, const std::string& where) {
  constexpr std::size_t kShown = 60;
  const auto refuse = [&](const std::string& why) {
    throw DataError(text(where, ": the line \"", record.substr(0, kShown), record.size() > kShown ? "..." : "", "\" ",
                         why, "; every line must be a JSON object with a string \"", field, "\""));
  };
  const auto json = nlohmann::json::parse(record, nullptr, false);
  if (json.is_discarded()) refuse("is no JSON");
  if (!json.is_object() || !json.contains(field)) refuse("has no field \"" + field + "\"");
  if (!json.at(field).is_string()) refuse("has another kind of value there");
  return json.at(field).get<std::string>();
}

}  // namespace isobath
