#pragma once
// Byte-level vocabularies are stored as text: each of the 256 bytes has a printable character of its own (GPT-2's
// table), so that a token that is no UTF-8 can stand in a JSON file.

#include <string>
#include <string_view>

namespace isobath {

/// The character of each byte, in UTF-8.
std::string to_byte_alphabet(std::string_view bytes);

/// Back. Throws DataError, naming `where`, for a character that stands for no byte.
std::string from_byte_alphabet(std::string_view characters, const std::string& where);

}  // namespace isobath
