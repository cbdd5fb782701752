#pragma once
// The JSON library (nlohmann), with the large templates that readers and writers share compiled once, in json.cpp: else
// each of thirty files that read or write JSON compiles them again, a quarter to a half of what such a file takes. For
// .cpp files only.

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

ISOBATH_JSON_TEMPLATES(extern, nlohmann::json);
ISOBATH_JSON_TEMPLATES(extern, nlohmann::ordered_json);
