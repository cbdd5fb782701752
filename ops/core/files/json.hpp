#pragma once
// The JSON library (nlohmann), with its large templates compiled once, in json.cpp: else each of the thirty files that
// read or write JSON compiles them again, which is half of what such a file takes. For .cpp files only.

#include <string>

#include <nlohmann/json.hpp>

#define ISOBATH_JSON_TEMPLATES(how, Json)                                                                            \
  how template class nlohmann::detail::serializer<Json>;                                                             \
  how template class nlohmann::detail::json_sax_dom_parser<Json>;                                                    \
  how template class nlohmann::detail::json_sax_dom_callback_parser<Json>;                                           \
  how template class nlohmann::detail::lexer<Json,                                                                   \
                                             nlohmann::detail::iterator_input_adapter<std::string::const_iterator>>; \
  how template class nlohmann::detail::parser<Json,                                                                  \
                                              nlohmann::detail::iterator_input_adapter<std::string::const_iterator>>

extern template class nlohmann::basic_json<>;
extern template class nlohmann::basic_json<nlohmann::ordered_map>;
ISOBATH_JSON_TEMPLATES(extern, nlohmann::json);
ISOBATH_JSON_TEMPLATES(extern, nlohmann::ordered_json);
